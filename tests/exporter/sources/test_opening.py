from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from recwatch.store import open_store, predictions, requests
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.run import run_check
from recwatch_exporter.sources.opening import open_windows

MakeCheck = Callable[..., Check]
NOW = datetime(2003, 6, 5, tzinfo=UTC)


def rows(check: Check) -> tuple[int, int]:
    with open_windows(check, now=NOW, deadline=Deadline(timedelta(minutes=1))) as windows:
        assert windows.reference is not None
        return windows.reference.rows(), windows.current.rows()


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of recwatch with 60 days of scores of two models, which grow in the last 30."""
    url = f"sqlite:///{tmp_path / 'recwatch.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    rng = np.random.default_rng(0)
    with open_store(url) as store, store.transaction() as connection:
        made = [
            {
                "model": model,
                "prediction_id": f"{model} {day} {i}",
                "timestamp": NOW - timedelta(days=day, seconds=i),
                "score": rng.normal(0.8 if day < 30 and model == "als" else 0.5, 0.1),
                "variant": "a" if i % 2 else "b",
                "unit": 10 * day + i,
                "status": "waiting",
            }
            for model in ("als", "bpr")
            for day in range(60)
            for i in range(10)
        ]
        connection.execute(sa.insert(predictions), made)
        served = [
            {
                "timestamp": NOW - timedelta(hours=hour),
                "latency_ms": 10.0 + hour % 7,
                "fallback": hour % 9 == 0,
            }
            for hour in range(400)
        ]
        connection.execute(sa.insert(requests), served)
    return url


def test_logged_scores_are_tested_like_inputs(make_check: MakeCheck, log: str) -> None:
    check = make_check(
        column="score",
        timestamp="timestamp",
        filter={"model": "als"},
        cluster="unit",
        segment_by="variant",
        reference={
            "database": log,
            "query": "SELECT * FROM predictions WHERE timestamp <= '2003-05-06 00:00:00.000000'",
            "filter": {"status": "waiting"},
        },
        current={"database": log, "table": "predictions", "window": "30d"},
    )
    calm = make_check(
        column="score",
        timestamp="timestamp",
        database=log,
        query="SELECT score, timestamp FROM predictions WHERE model = 'bpr';",
        reference={},
        current={"window": "30d"},
    )

    found = run_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))
    (quiet,) = run_check(calm, now=NOW, deadline=Deadline(timedelta(minutes=1))).findings

    assert [finding.segment for finding in found.findings] == ["all", "a", "b"]
    assert all(finding.detected for finding in found.findings)
    assert (found.findings[0].n_reference, found.findings[0].n_current) == (300, 300)
    assert found.newest == {"reference": NOW - timedelta(days=30), "current": NOW}
    assert not quiet.detected
    assert (quiet.n_reference, quiet.n_current) == (600, 300)


def test_logged_requests_are_tested_like_inputs(make_check: MakeCheck, log: str) -> None:
    check = make_check(
        columns=["latency_ms", "fallback"],
        column=None,
        type="psi",
        timestamp="timestamp",
        database=log,
        table="requests",
        reference={},
        current={"window": "7d"},
    )

    found = run_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))

    assert [(finding.feature, finding.n_reference, finding.n_current) for finding in found.findings] == [
        ("latency_ms", 400, 168),
        ("fallback", 400, 168),
    ]


def test_sides_of_two_kinds(make_check: MakeCheck, log: str, tmp_path: Path) -> None:
    pd.DataFrame({"score": [0.5] * 9}).to_csv(tmp_path / "ref.csv", index=False)
    current = {"database": log, "table": "predictions"}

    assert rows(make_check(column="score", reference={"path": "ref.csv"}, current=current)) == (9, 1200)


def test_a_query_over_files_is_relative_to_the_configuration(make_check: MakeCheck, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pd.DataFrame({"rating": [1.0, 2.0, 3.0]}).to_parquet(tmp_path / "data" / "a.parquet")
    check = make_check(
        reference={"query": "SELECT rating FROM 'data/a.parquet' WHERE rating > 1"},
        current={"query": "SELECT rating FROM read_parquet('data/*.parquet')"},
    )

    assert rows(check) == (2, 3)


def test_a_database_is_relative_to_the_configuration(make_check: MakeCheck, tmp_path: Path) -> None:
    with sa.create_engine(f"sqlite:///{tmp_path}/a.db").begin() as connection:
        pd.DataFrame({"rating": [1.0, 2.0]}).to_sql("ratings", connection, index=False)

    assert rows(make_check(database="sqlite:///a.db", table="ratings", reference={}, current={})) == (2, 2)


def test_a_file_of_arrays(make_check: MakeCheck, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(5))
    np.save(tmp_path / "b.npy", np.eye(5))
    check = make_check(
        type="embedding",
        column="vector",
        key="row",
        threshold=0.9,
        reference={"path": "a.npy"},
        current={"path": "b.npy"},
    )

    (finding,) = run_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1))).findings

    assert finding.statistic == pytest.approx(1.0)
    with pytest.raises(SourceError, match=r"^current: .*a\.npy and 1 more files of arrays: name one file$"):
        rows(check.model_copy(update={"current": make_check(current={"path": "*.npy"}).current}))


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (
            {"database": "sqlite:///none.db", "table": "x"},
            r"^current: .*/none\.db does not exist: write it first, or correct database$",
        ),
        ({"query": "SELECT x FROM nothing"}, r"^current: cannot be read: Catalog Error: .*nothing"),
        (
            {"database": "postgresql://me:s3cret@127.0.0.1:1/x", "table": "x"},
            r"^current: postgresql://me:\*\*\*@127\.0\.0\.1:1/x cannot be opened: ",
        ),
        (
            {"database": "postgresql://me:s3cr%zzet@127.0.0.1:1/x", "table": "x"},
            r'^current: postgresql://me:\*\*\*@127\S* cannot be opened: .*"\*\*\*": quote the password',
        ),
        (
            {"database": "postgresql://127.0.0.1:1/x?user=u&password=s3cret", "table": "x"},
            r"^current: postgresql://127\.0\.0\.1:1/x\?user=u&password=\*\*\* cannot be opened: ",
        ),
        (
            {"database": "duckdb:///data.duckdb", "path": "x.parquet"},
            r"^current: .*data\.duckdb does not exist",
        ),
    ],
)
def test_what_cannot_be_opened(
    make_check: MakeCheck, tmp_path: Path, side: dict[str, str], message: str
) -> None:
    pd.DataFrame({"rating": [1.0]}).to_parquet(tmp_path / "ref.parquet")

    with pytest.raises(SourceError, match=message) as caught:
        rows(make_check(current=side))
    assert "s3cr" not in str(caught.value)


def test_a_source_that_hangs_ends_at_the_deadline(make_check: MakeCheck, tmp_path: Path) -> None:
    pd.DataFrame({"rating": [1.0]}).to_parquet(tmp_path / "ref.parquet")
    endless = "SELECT a.range * 1.0 AS rating FROM range(10_000_000_000) AS a, range(1_000_000) AS b"
    check = make_check(current={"query": endless})

    with (
        pytest.raises(CheckTimeoutError),
        open_windows(check, now=NOW, deadline=Deadline(timedelta(milliseconds=700))) as windows,
    ):
        windows.current.moments("rating")
