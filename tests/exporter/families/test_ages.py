import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from recwatch.registry import Manifest, ModelRegistry
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
DAY = 86_400.0
Write = Callable[..., Path]
MakeCheck = Callable[..., Check]
Days = Callable[[Sequence[float]], pa.Array]


@pytest.fixture
def run(make_check: MakeCheck, deadline: Deadline) -> Callable[..., Finding]:
    def measured(now: datetime, **keys: Any) -> Finding:
        plain = {"type": "freshness", "column": None, "reference": None, "threshold": "7d", "min_rows": 50}
        result = run_check(make_check(**plain | keys), now=now, deadline=deadline)
        assert len(result.findings) == 1
        return result.findings[0]

    return measured


@pytest.fixture
def published(tmp_path: Path) -> Callable[..., ModelRegistry]:
    """A model with a version in service that was trained at START."""

    def publish(**manifest: Any) -> ModelRegistry:
        registry = ModelRegistry(tmp_path / "artifacts/als")
        version = registry.new_version(START)
        with registry.publish(version) as folder:
            (folder / "model.bin").write_bytes(b"not a table")
            Manifest(model="als", version=version, trained_at=START, data_version="test", **manifest).write(
                folder
            )
        registry.promote(version, reason="test")
        return registry

    return publish


def test_the_newest_record(run: Callable[..., Finding], write: Write, days: Days) -> None:
    write("cur.parquet", t=days([0.0, 3.0, 1.0]), rating=[1.0, 2.0, 3.0])
    now = START + timedelta(days=11)

    found = run(now, observed_at="t")

    assert found.statistic == found.effect_size == 8 * DAY
    assert found.threshold == 7 * DAY
    assert found.detected  # however few rows there are
    assert (found.feature, found.p_value, found.n_reference, found.n_current) == ("records", None, None, 3)
    assert found.details["newest"] == "2003-05-04T00:00:00+00:00"


def test_a_record_in_time_is_no_drift(run: Callable[..., Finding], write: Write, days: Days) -> None:
    write("cur.parquet", t=days([0.0]), rating=[1.0])

    assert not run(START + timedelta(days=6), timestamp="t").detected


def test_a_filter_looks_at_some_records(run: Callable[..., Finding], write: Write, days: Days) -> None:
    write("cur.parquet", t=days([0.0, 5.0]), shop=["east", "west"])

    assert run(START + timedelta(days=6), timestamp="t", filter={"shop": "east"}).statistic == 6 * DAY


def test_the_age_of_a_model(run: Callable[..., Finding], published: Callable[..., ModelRegistry]) -> None:
    folder = published().folder

    found = run(START + timedelta(days=8), of="model", current={"artifact": str(folder)})

    assert (found.feature, found.statistic, found.detected) == ("model", 8 * DAY, True)
    assert str(found.details["of"]).startswith("als v1")


def test_the_age_of_training_data(
    run: Callable[..., Finding], published: Callable[..., ModelRegistry]
) -> None:
    folder = published(newest_event=START - timedelta(days=10)).folder

    found = run(START, of="training_data", threshold="30d", current={"artifact": str(folder)})

    assert (found.feature, found.statistic, found.detected) == ("training_data", 10 * DAY, False)


def test_training_data_without_times(
    run: Callable[..., Finding], published: Callable[..., ModelRegistry]
) -> None:
    folder = published().folder

    with pytest.raises(SourceError, match="names no newest_event: let the trainer write it"):
        run(START, of="training_data", current={"artifact": str(folder)})


def test_a_model_before_its_first_promotion(run: Callable[..., Finding], tmp_path: Path) -> None:
    folder = tmp_path / "artifacts/none"
    with pytest.raises(SourceError, match=r"^current: .*none does not exist: publish a version there, or"):
        run(START, of="model", current={"artifact": str(folder)})
    folder.mkdir(parents=True)
    with pytest.raises(SourceError, match=r"^current: no version in service in .*: promote one$"):
        run(START, of="model", current={"artifact": str(folder)})


def test_the_age_of_a_file_that_is_no_table(run: Callable[..., Finding], tmp_path: Path) -> None:
    for name, offset in (("a.pt", 0), ("b.pt", 40)):
        path = tmp_path / name
        path.write_bytes(b"\x80\x02")
        os.utime(path, ((START + timedelta(days=offset)).timestamp(),) * 2)
    now = START + timedelta(days=71)

    one, newest = (run(now, of="file", current={"path": path}) for path in ("a.pt", "*.pt"))

    assert (one.feature, one.statistic, one.details["of"]) == ("file", 71 * DAY, "a.pt")
    assert (newest.statistic, newest.details["of"]) == (31 * DAY, "b.pt")


def test_the_age_of_a_file_of_the_version_in_service(
    run: Callable[..., Finding], published: Callable[..., ModelRegistry]
) -> None:
    registry = published()
    path = registry.path(registry.versions()[0]) / "model.bin"
    os.utime(path, (START.timestamp(),) * 2)

    found = run(
        START + timedelta(days=1),
        of="file",
        current={"artifact": str(registry.folder), "file": "model.bin"},
    )

    assert found.statistic == DAY


@pytest.mark.parametrize("path", ["none.pt", "none-*.pt"])
def test_a_file_that_is_not_there(run: Callable[..., Finding], path: str) -> None:
    with pytest.raises(SourceError, match=r"^current: .*none"):
        run(START, of="file", current={"path": path})


def test_no_record_at_all(run: Callable[..., Finding], write: Write, days: Days) -> None:
    write("cur.parquet", t=days([]), rating=pa.array([], pa.float64()))

    with pytest.raises(StatisticError, match="no record has a t: nothing has been written yet"):
        run(START, timestamp="t")


def test_a_record_from_the_future(run: Callable[..., Finding], write: Write, days: Days) -> None:
    write("cur.parquet", t=days([30.0]))

    assert run(START + timedelta(days=29.5), timestamp="t").statistic == -0.5 * DAY
    with pytest.raises(StatisticError, match=r"is dated 2003-05-31.*, after now: correct the clock"):
        run(START, timestamp="t")


def test_a_column_that_holds_no_times(run: Callable[..., Finding], write: Write) -> None:
    write("cur.parquet", t=["yesterday"])

    with pytest.raises(SourceError, match=r"^current: column t is text, not a time"):
        run(START, observed_at="t")
