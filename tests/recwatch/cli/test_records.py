from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recwatch.cli.errors import CommandError
from recwatch.cli.records import Run, find_run, list_runs, open_existing
from recwatch.store import Store, open_store, training_runs

AT = datetime(2025, 1, 20, 3, 15, tzinfo=UTC)
STRANGE = [
    "' OR '1'='1",
    "x'; DROP TABLE training_runs; --",
    '"',
    "%",
    "a\\",
    ":a",
    "?",
    "x" * 100_000,
    "é 漢",
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.all)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    sqlite = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(
        sqlite if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    ) as made:
        yield made


def test_a_run_id_is_a_value_and_nothing_else(store: Store) -> None:
    for number, run_id in enumerate(["known", *STRANGE[:4]]):
        store.save_run({"run_id": run_id, "model_type": "als", "started_at": AT + timedelta(days=number)})
        store.save_run({"run_id": run_id}, [{"iteration": number, "loss": 1.0}])
    for number, run_id in enumerate(STRANGE[:4], 1):
        found = find_run(store, run_id)
        assert (found.run_id, [row["iteration"] for row in found.iterations]) == (run_id, [number])
    for run_id in [*STRANGE[4:], "a\0b", "\udcff", ""]:
        with pytest.raises(CommandError, match="no run "):
            find_run(store, run_id)
        assert list_runs(store, model=run_id) == []
    assert [item.run_id for item in list_runs(store)] == [*STRANGE[3::-1], "known"]


def test_the_newest_stands_first_and_a_run_without_a_start_last(store: Store) -> None:
    for run_id, started in (("b", AT), ("a", AT), ("none", None), ("new", AT + timedelta(seconds=1))):
        store.save_run({"run_id": run_id, "started_at": started, "status": "completed"})
    assert [item.run_id for item in list_runs(store)] == ["new", "b", "a", "none"]
    assert [item.run_id for item in list_runs(store, limit=2)] == ["new", "b"]
    assert list_runs(store, status="failed") == []


def test_the_nearest_run_ids_are_named(store: Store) -> None:
    with pytest.raises(CommandError, match="the store holds no runs yet"):
        find_run(store, "als")
    store.save_run({"run_id": "als_20250120_031500_c0ffee"})
    with pytest.raises(CommandError, match=r"did you mean als_20250120_031500_c0ffee\?"):
        find_run(store, "als_20250120_031500_coffee")
    with pytest.raises(CommandError, match="`recwatch runs` lists those that there are"):
        find_run(store, "xyz")


def run(**columns: object) -> Run:
    return Run({column.name: None for column in training_runs.columns} | columns, AT)


def test_metrics_have_the_names_that_people_know() -> None:
    extra = '{"cross_validation": {"folds": 5, "mean": {"rmse": 0.9}}, "ok": true, "text": "x", "none": null}'
    assert run(ndcg_at_10=0.2, rmse=1.0, extra_metrics=extra).metrics == {
        "ndcg@10": 0.2,
        "rmse": 1.0,
        "cross_validation.folds": 5.0,
        "cross_validation.mean.rmse": 0.9,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [(None, {}), ("", {}), ('{"a": 1}', {"a": 1}), ("{", {"(damaged)": "{"}), ("[1]", {"(value)": [1]})],
)
def test_hyper_parameters_are_shown_also_where_they_are_damaged(text: str | None, value: object) -> None:
    assert run(hyperparameters=text).parameters == value


def test_the_time_that_a_run_took() -> None:
    started = AT - timedelta(minutes=1)
    assert run().seconds is None
    assert run(training_time_seconds=3.0, started_at=started).seconds == 3.0
    assert run(started_at=started, completed_at=AT).seconds == 60.0
    assert run(started_at=started, status="running").seconds == 60.0
    lost = run(started_at=AT - timedelta(hours=1), heartbeat_at=AT - timedelta(minutes=50), status="running")
    assert (lost.status, lost.seconds) == ("lost", 600.0)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/none.db", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(CommandError, match="there is no store at"), open_existing(url):
            pytest.fail("opened")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_found_by_its_beginning_and_as_the_latest(store: Store) -> None:
    for number, run_id in enumerate(["als_1", "als_12", "ALS_2", "bpr%3", "bpr_3", "latex"]):
        store.save_run({"run_id": run_id, "started_at": AT - timedelta(days=number)})
        store.save_run({"run_id": run_id}, [{"iteration": number, "loss": 1.0}])

    def found(text: str) -> list[object]:
        item = find_run(store, text)
        return [item.run_id, *(row["iteration"] for row in item.iterations)]

    assert found("als_1") == ["als_1", 0]  # itself, although another begins like that
    assert (found("A"), found("bpr%"), found("late")) == (["ALS_2", 2], ["bpr%3", 3], ["latex", 5])
    assert found("latest") == ["als_1", 0]
    with pytest.raises(CommandError, match="'als' begins several runs: als_1, als_12: write more of it"):
        find_run(store, "als")
    store.save_run({"run_id": "latest"})
    assert find_run(store, "latest").run_id == "latest"


def test_few_of_many_runs_of_a_beginning_are_named(store: Store) -> None:
    for number in range(5):
        store.save_run({"run_id": f"als_{number}", "started_at": AT - timedelta(days=number)})
    with pytest.raises(CommandError, match="als_0, als_1, als_2, others: write more"):
        find_run(store, "als_")
    with pytest.raises(CommandError, match="no run ''"):
        find_run(store, "")
