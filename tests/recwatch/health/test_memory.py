import resource
import sys
from typing import Any

import pytest

from recwatch.errors import ConfigError, HealthError
from recwatch.health import Memory
from recwatch.health.memory import _resident_bytes_by_psutil

LARGE = 2**50


def test_it_measures_the_resident_share_of_the_limit() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    measured = Memory(LARGE)()
    assert measured.value is not None
    assert 0 < measured.value * LARGE <= peak * 1.1
    assert f"of {LARGE} bytes that limit_bytes allows are resident" in measured.message


def test_it_grows_with_what_the_process_takes() -> None:
    before = Memory(LARGE)().value
    held = bytearray(b"x" * 2**25)
    after = Memory(LARGE)().value
    assert before is not None
    assert after is not None
    assert (after - before) * LARGE > len(held) / 2


def test_beyond_its_share_it_fails_and_is_measured() -> None:
    with pytest.raises(HealthError, match=r"at most 50\.0% are asked for: find what grows") as caught:
        Memory(2**20, max_ratio=0.5)()
    assert caught.value.value is not None
    assert caught.value.value > 0.5


def test_without_a_limit_it_is_the_container_or_the_machine() -> None:
    measured = Memory(max_ratio=1.0)()
    assert measured.value is not None
    assert 0 < measured.value < 1
    assert "that the cgroup allows" in measured.message or "that the machine allows" in measured.message


def test_psutil_says_the_same_elsewhere() -> None:
    pytest.importorskip("psutil")
    value = Memory(LARGE)().value
    assert value is not None
    assert _resident_bytes_by_psutil() == pytest.approx(value * LARGE, rel=0.2)


@pytest.mark.parametrize(
    "limits", [{"limit_bytes": 0}, {"limit_bytes": -1}, {"max_ratio": 0.0}, {"max_ratio": 1.1}]
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="give bytes above 0, and a ratio above 0 and at most 1"):
        Memory(**limits)
