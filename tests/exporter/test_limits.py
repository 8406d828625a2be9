"""Checks that would take all time and all memory, from real engines; each costs itself alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.process.state import CheckState

pytestmark = pytest.mark.all


@pytest.fixture
def start(config_file: Callable[..., Path], write: Callable[..., Path]) -> Iterator[Callable[..., Exporter]]:
    """Start an exporter of these checks and of a sound one beside them; nothing is left at the end."""
    write("ref.parquet", rating=[1.0, 2.0] * 50)
    before = psutil.Process().children(recursive=True)
    started: list[Exporter] = []

    def begin(*checks: dict[str, Any]) -> Exporter:
        started.append(Exporter(config_file(check(name="sound"), *checks)))
        started[-1].start()
        return started[-1]

    yield begin
    for exporter in started:
        exporter.stop()
    assert [child for child in psutil.Process().children(recursive=True) if child not in before] == []


def check(**keys: Any) -> dict[str, Any]:
    side = {"path": "ref.parquet"}
    plain = {"type": "ks", "column": "rating", "reference": side, "current": side, "min_rows": 1}
    return {**plain, **keys}


def failed(exporter: Exporter, name: str) -> CheckState:
    """Wait until a check has failed, and the sound one beside it succeeded."""

    def ended() -> CheckState | None:
        found = {state.check.name: state for state in exporter.state.all()}
        return found[name] if found[name].success is False and found["sound"].success else None

    found = wait_until(ended, 120)
    assert found is not None
    return found


def test_a_query_that_sleeps(start: Callable[..., Exporter], postgresql_url: str) -> None:
    sleeping = {"query": "SELECT 1.0 AS rating FROM pg_sleep(3600)", "database": postgresql_url}

    state = failed(start(check(name="sleeping", current=sleeping, timeout="2s")), "sleeping")

    assert state.failures["timeout"] == 1
    assert state.error == "took longer than its timeout of 2s: read less, or raise timeout"


def test_a_query_that_never_ends(start: Callable[..., Exporter]) -> None:
    endless = {"query": "SELECT count(*) AS rating FROM range(1000000000000) a, range(1000000000) b"}

    state = failed(start(check(name="endless", current=endless, timeout="2s")), "endless")

    assert state.failures["timeout"] == 1


def test_more_distinct_values_than_there_is_memory(start: Callable[..., Exporter]) -> None:
    huge = {"query": "SELECT range AS rating, md5(range::text) AS user_id FROM range(4000000)"}

    hog = check(name="hog", type="spearman", cluster="user_id", reference=huge, current=huge, memory="256MiB")
    state = failed(start(hog), "hog")

    assert state.failures["memory"] == 1
    assert state.error is not None
    assert "raise memory" in state.error
