import os
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError, HealthError
from recwatch.health import DiskSpace


def test_it_measures_the_free_bytes(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    measured = DiskSpace(tmp_path, min_ratio=0)()
    assert measured.value == pytest.approx(found.f_bavail * found.f_frsize, rel=0.1)
    assert "bytes are free" in measured.message


@pytest.mark.parametrize("limits", [{"min_bytes": 2**62}, {"min_ratio": 1.0}])
def test_a_disk_that_is_too_full_fails_and_is_measured(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(HealthError, match="are asked for: remove files or enlarge the disk") as caught:
        DiskSpace(tmp_path, **limits)()
    assert caught.value.value is not None
    assert caught.value.value > 0


def test_a_missing_path_fails(tmp_path: Path) -> None:
    with pytest.raises(HealthError, match="nowhere: No such file or directory"):
        DiskSpace(tmp_path / "nowhere")()


@pytest.mark.parametrize("limits", [{"min_bytes": -1}, {"min_ratio": 1.5}, {"min_ratio": -0.1}])
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="give 0 or more, and 0 to 1"):
        DiskSpace(tmp_path, **limits)
