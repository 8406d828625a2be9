"""The SQL of the training dashboard on a real PostgreSQL, with what Grafana makes of its variables."""

import re
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from recwatch.training import TrainingRun
from recwatch_dashboards.stored_runs import stored_runs

_TIME = re.compile(r"\$__timeFilter\(([\w.]+)\)")


@pytest.fixture
def asked(postgresql_url: str) -> Any:
    """Asks the store after a run that completed and one that failed."""
    with TrainingRun("als", parameters={"factors": 8}, store_url=postgresql_url) as run:
        run.iteration(1, 2, loss=2.0, seconds=0.5)
        run.iteration(2, 2, loss=1.0, seconds=0.5)
        run.evaluation({"recall@10": 0.2, "ndcg@10": 0.1}, baseline={"recall@10": 0.1})
    with pytest.raises(ValueError, match="too few"), TrainingRun("bpr", store_url=postgresql_url):
        raise ValueError("too few users")

    def ask(panel: str, models: str, since: str = "2000-01-01T00:00:00Z") -> list[dict[str, Any]]:
        built: dict[str, Any] = {p.build().title or "": p.build() for p, _ in stored_runs().panels}
        (target,) = built[panel].targets
        sql = _TIME.sub(rf"\1 BETWEEN '{since}' AND '2999-01-01T00:00:00Z'", target.sql)
        sql = sql.replace("${model:sqlstring}", models)
        address = postgresql_url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address, row_factory=dict_row) as connection:
            return connection.execute(sql.encode()).fetchall()

    return ask


def test_runs_are_listed_the_newest_first(asked: Any) -> None:
    failed, completed = asked("Runs", "'als','bpr'")

    assert (failed["Model"], failed["Status"], failed["Error"]) == (
        "bpr",
        "failed",
        "ValueError: too few users",
    )
    assert (completed["Model"], completed["Status"]) == ("als", "completed")
    assert (completed["NDCG@10"], completed["Baseline recall@10"]) == (0.1, 0.1)
    assert completed["Improvement"] == pytest.approx(100)


def test_models_and_time_are_chosen(asked: Any) -> None:
    assert [row["Model"] for row in asked("Runs", "'als'")] == ["als"]
    assert asked("Runs", "'als'", since="2998-01-01T00:00:00Z") == []


def test_losses_are_series_by_time(asked: Any) -> None:
    losses = asked("Loss of each run", "'als'")

    assert [row["value"] for row in losses] == [2.0, 1.0]
    assert {row["metric"].split()[0] for row in losses} == {"als"}
    assert losses[0]["time"] < losses[1]["time"]


def test_iterations_make_the_curve_of_each_run(asked: Any) -> None:
    assert [(row["Model"], row["Iteration"], row["Loss"]) for row in asked("Iterations", "'als'")] == [
        ("als", 2, 1.0),
        ("als", 1, 2.0),
    ]
