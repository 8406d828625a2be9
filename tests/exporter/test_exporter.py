import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from recwatch.errors import ConfigError
from recwatch.testing import wait_until
from recwatch_exporter.config import Check
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.process.storage import Storage
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check

MakeExporter = Callable[..., Exporter]


def plain(name: str = "ratings", **keys: Any) -> dict[str, Any]:
    files = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.parquet"}}
    return {"name": name, "type": "ks", "column": "rating", "threshold": 0.1, "min_rows": 2, **files, **keys}


@pytest.fixture
def start(write: Callable[..., Path]) -> Iterator[Callable[..., Exporter]]:
    """Start an exporter over two small files; stopped at the end."""
    write("ref.parquet", rating=[1.0, 2.0])
    write("cur.parquet", rating=[1.0, 2.0])
    started = []

    def begin(path: Path, **keys: Any) -> Exporter:
        # In this process, which is quicker; one test below has workers.
        exporter = Exporter(path, **{"run": run_check, **keys})
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


def test_checks_run_in_processes_of_their_own(
    start: Callable[..., Exporter], config_file: Callable[..., Path]
) -> None:
    before = psutil.Process().children()
    exporter = start(config_file(plain(), plain("broken", column="nothing")), run=None)

    assert wait_for_success(exporter).success
    wait_until(lambda: state_of(exporter, "broken").failures["source"] == 1)
    exporter.stop()
    assert psutil.Process().children() == before


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
    assert "cur.parquet" in after.error
    wait_for_success(exporter, "other", after=other.last_success)


def test_a_mistake_of_ours_is_counted_and_stops_nobody(
    start: Callable[..., Exporter], config_file: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(check: Check, **keys: Any) -> CheckResult:
        if check.name == "broken":
            raise ZeroDivisionError("a mistake")
        return run_check(check, **keys)

    exporter = start(config_file(plain("broken"), plain("b")), run=mistaken)

    wait_until(lambda: state_of(exporter, "broken").success is False)
    wait_for_success(exporter, "b")
    broken = state_of(exporter, "broken")
    assert broken.failures["internal"] == 1
    assert broken.error == "ZeroDivisionError('a mistake')"
    assert "Traceback of check broken" in caplog.text


def test_a_run_that_was_missed_is_made_up_for_once(
    start: Callable[..., Exporter], config_file: Callable[..., Path]
) -> None:
    """A machine that slept over several runs."""
    runs: list[str] = []

    def count(check: Check, **keys: Any) -> CheckResult:
        runs.append(check.name)
        return run_check(check, **keys)

    exporter = start(config_file(plain()), run=count)
    wait_until(lambda: len(runs) == 1)
    job = exporter._scheduler.get_job("ratings")
    assert job is not None

    job.modify(next_run_time=datetime.now(UTC) - timedelta(hours=5))

    wait_until(lambda: len(runs) == 2)
    following = exporter.next_run("ratings")
    assert following is not None
    assert following > datetime.now(UTC).timestamp()
    assert len(runs) == 2


def test_results_outlive_a_restart(
    start: Callable[..., Exporter], config_file: Callable[..., Path], tmp_path: Path
) -> None:
    config = config_file(plain(), plain("other"))
    first = start(config, storage=Storage(tmp_path / "state.sqlite3"))
    before = wait_for_success(first)
    wait_for_success(first, "other")
    first.stop()
    go = threading.Event()

    def held(check: Check, **keys: Any) -> CheckResult:
        assert go.wait(60)
        return run_check(check, **keys)

    second = start(config, storage=Storage(tmp_path / "state.sqlite3"), run=held)
    after = state_of(second)
    go.set()

    assert (after.result, after.success, after.last_success) == (before.result, True, before.last_success)
    assert after.failures == before.failures
    wait_for_success(second, after=before.last_success)
    assert len(second.state.history("ratings")["rating", "all"]) == 2


def test_what_a_check_no_longer_says_is_not_kept(
    start: Callable[..., Exporter], config_file: Callable[..., Path], tmp_path: Path
) -> None:
    exporter = start(config_file(plain("a"), plain("b")), storage=Storage(tmp_path / "state.sqlite3"))
    wait_for_success(exporter, "a")
    wait_for_success(exporter, "b")

    config_file(plain("a"))
    exporter.reload()
    exporter.stop()

    assert set(Storage(tmp_path / "state.sqlite3").load()) == {"a"}


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


def test_a_mistake_of_ours_in_a_reload_keeps_the_old_configuration(
    start: Callable[[Path], Exporter], config_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = start(config_file(plain()))

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("recwatch_exporter.exporter.load_config", fail)
    with pytest.raises(ConfigError, match=r"drift.yml: cannot be used: ZeroDivisionError\('a mistake'\)$"):
        exporter.reload()

    assert not exporter.reload_status.successful
    assert [check.name for check in exporter.config.checks] == ["ratings"]
