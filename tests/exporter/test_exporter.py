from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError
from recwatch.testing import wait_until
from recwatch_exporter.config import Check
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check

MakeExporter = Callable[..., Exporter]


def plain(name: str = "ratings", **keys: Any) -> dict[str, Any]:
    files = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.parquet"}}
    return {"name": name, "type": "ks", "column": "rating", "threshold": 0.1, "min_rows": 2, **files, **keys}


@pytest.fixture
def start(write: Callable[..., Path]) -> Iterator[Callable[[Path], Exporter]]:
    """Start an exporter over two small files; stopped at the end."""
    write("ref.parquet", rating=[1.0, 2.0])
    write("cur.parquet", rating=[1.0, 2.0])
    started = []

    def begin(path: Path) -> Exporter:
        exporter = Exporter(path)
        exporter.start()
        started.append(exporter)
        return exporter

    yield begin
    for exporter in started:
        exporter.stop()


def state_of(exporter: Exporter, name: str = "ratings") -> CheckState:
    state = exporter.state.get(name)
    assert state is not None
    return state


def wait_for_success(exporter: Exporter, name: str = "ratings", after: float = 0.0) -> CheckState:
    wait_until(lambda: state_of(exporter, name).last_success > after)
    return state_of(exporter, name)


def test_every_check_runs_at_the_start(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path]
) -> None:
    exporter = start(config_file(plain("a"), plain("b")))

    for name in ("a", "b"):
        assert wait_for_success(exporter, name).success
    assert exporter.reload_status.successful


def test_a_check_runs_on_its_schedule(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path]
) -> None:
    exporter = start(config_file(plain(schedule={"every": "1s"})))
    first = wait_for_success(exporter)

    wait_for_success(exporter, after=first.last_success)


def test_a_promotion_runs_the_models_checks_at_once(
    start: Callable[[Path], Exporter],
    config_file: Callable[..., Path],
    promote: Callable[..., Path],
    days: Callable[..., Any],
    write: Callable[..., Path],
) -> None:
    write("log/a.parquet", rating=[1.0, 2, 3], timestamp=days([1, 2, 3]))
    folder = promote("als", reference={"rating": [1.0], "timestamp": days([0])})
    of_version = plain(
        timestamp="timestamp",
        reference={"artifact": str(folder), "file": "reference.parquet"},
        current={"path": "log/*.parquet"},
    )
    exporter = start(config_file(of_version, plain("other")))
    before = wait_for_success(exporter)
    other = wait_for_success(exporter, "other")
    assert before.result is not None
    assert before.result.rows == {"reference": 1, "current": 3}

    promote("als", reference={"rating": [1.0, 2], "timestamp": days([0, 2])})

    after = wait_for_success(exporter, after=before.last_success)
    assert after.result is not None
    assert after.result.rows == {"reference": 2, "current": 1}
    assert state_of(exporter, "other") == other


def test_a_failure_keeps_the_last_values_and_its_neighbours(
    start: Callable[[Path], Exporter],
    config_file: Callable[..., Path],
    tmp_path: Path,
    write: Callable[..., Path],
) -> None:
    write("third.parquet", rating=[1.0, 2.0])
    exporter = start(config_file(plain(), plain("other", current={"path": "third.parquet"})))
    before = wait_for_success(exporter)
    other = wait_for_success(exporter, "other")

    (tmp_path / "cur.parquet").write_bytes(b"no parquet")
    exporter.run("ratings")
    exporter.run("other")

    wait_until(lambda: state_of(exporter).success is False)
    after = state_of(exporter)
    assert after.result == before.result
    assert after.failures["source"] == 1
    assert after.error is not None
    assert after.error.startswith("cannot be read: ")
    wait_for_success(exporter, "other", after=other.last_success)


def test_a_mistake_of_ours_is_counted_and_stops_nobody(
    config_file: Callable[..., Path], write: Callable[..., Path]
) -> None:
    for name in ("ref.parquet", "cur.parquet"):
        write(name, rating=[1.0, 2.0])

    def mistaken(check: Check, **keys: Any) -> CheckResult:
        if check.name == "broken":
            raise ZeroDivisionError("a mistake")
        return run_check(check, **keys)

    exporter = Exporter(config_file(plain("broken"), plain("b")), run=mistaken)
    exporter.run_all()

    broken = state_of(exporter, "broken")
    assert broken.failures["internal"] == 1
    assert broken.error == "ZeroDivisionError('a mistake')"
    assert state_of(exporter, "b").success


def test_a_reload_takes_new_checks_and_drops_old_ones(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path]
) -> None:
    exporter = start(config_file(plain("a"), plain("b")))
    kept = wait_for_success(exporter, "a")
    wait_for_success(exporter, "b")

    config_file(plain("a"), plain("c"))
    exporter.reload()

    wait_for_success(exporter, "c")
    assert exporter.state.get("b") is None
    assert not exporter.run("b")
    assert state_of(exporter, "a") == kept, "an unchanged check keeps its result and does not run again"


def test_a_changed_check_runs_again(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path]
) -> None:
    exporter = start(config_file(plain()))
    before = wait_for_success(exporter)

    config_file(plain(threshold=0.5))
    exporter.reload()

    after = wait_for_success(exporter, after=before.last_success)
    assert after.result is not None
    assert after.result.findings[0].threshold == 0.5


def test_a_bad_reload_keeps_the_old_configuration(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path]
) -> None:
    path = config_file(plain())
    exporter = start(path)
    succeeded_at = exporter.reload_status.succeeded_at
    path.write_text("checks: [", encoding="utf-8")

    with pytest.raises(ConfigError, match="is not YAML"):
        exporter.reload()

    assert not exporter.reload_status.successful
    assert exporter.reload_status.succeeded_at == succeeded_at
    assert exporter.run("ratings")

    config_file(plain())
    exporter.reload()
    assert exporter.reload_status.successful
