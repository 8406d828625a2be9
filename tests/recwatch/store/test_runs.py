"""Runs of pipelines, and what trainings took, on each kind of database."""

from datetime import UTC, datetime

import sqlalchemy as sa

from recwatch.store import Store, create_store_engine, open_store, pipeline_runs
from recwatch.store.migrate import upgrade

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def test_a_run_of_a_pipeline_is_written_once_and_updated_then(store: Store) -> None:
    row = {"id": "titles_1", "pipeline": "titles", "started_at": AT, "status": "running"}
    store.save_pipeline_run(row)
    store.save_pipeline_run({**row, "status": "failed", "finished_at": AT, "error": "no room"})
    (found,) = store.pipeline_runs("titles")
    assert found == {
        **row,
        "status": "failed",
        "finished_at": AT,
        "error": "no room",
        "stages": None,
    }


def test_runs_of_pipelines_are_counted_by_name_and_status(store: Store) -> None:
    for number, status in enumerate(("completed", "failed", "completed")):
        store.save_pipeline_run(
            {"id": f"titles_{number}", "pipeline": "titles", "started_at": AT, "status": status}
        )
    store.save_pipeline_run({"id": "x", "pipeline": "others", "started_at": AT, "status": "running"})
    assert store.pipeline_run_counts("titles") == {"completed": 2, "failed": 1}
    assert store.pipeline_run_counts("nobody") == {}
    assert [row["id"] for row in store.pipeline_runs()] == ["titles_0", "titles_1", "titles_2", "x"]


def test_an_id_is_a_value_never_sql(store: Store) -> None:
    evil = "x'; DROP TABLE pipeline_runs; --"
    store.save_pipeline_run({"id": evil, "pipeline": evil, "started_at": AT, "status": "running"})
    assert len(store.pipeline_runs(evil)) == 1
    with store.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(pipeline_runs)).scalar() == 1


def test_what_trainings_took_is_summed_by_model_in_whole_numbers(store: Store) -> None:
    for number, elapsed in enumerate((1_500, None, 2**40)):
        store.save_run({"run_id": f"als_{number}", "model_type": "als", "elapsed_ms": elapsed})
    store.save_run({"run_id": "bpr_1", "model_type": "bpr", "elapsed_ms": 7})
    assert store.elapsed_ms("als") == 2**40 + 1_500
    assert store.elapsed_ms("nobody") == 0


def test_trainings_of_before_are_known_by_the_time_that_they_say(url: str) -> None:
    engine = create_store_engine(url)
    upgrade(engine, to="0002")
    insert = sa.text(
        "INSERT INTO training_runs (run_id, model_type, status, training_time_seconds) "
        "VALUES (:id, 'als', :status, :seconds)"
    )
    rows = [("a", "completed", 12.5), ("b", "failed", None), ("c", "running", 3.0)]
    with engine.begin() as connection:
        for name, status, seconds in rows:
            connection.execute(insert, {"id": name, "status": status, "seconds": seconds})
    engine.dispose()
    with open_store(url) as store:
        assert {row["run_id"]: row["elapsed_ms"] for row in store.runs()} == {
            "a": 12_500,
            "b": None,
            "c": None,
        }
