from typing import Any

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites
from recwatch.store import open_store
from recwatch.training_record import RunRecord

RUN = {"run_id": "als_1", "model_type": "als", "status": "running"}


def iteration(number: int) -> dict[str, Any]:
    return {"iteration": number, "loss": 1.0 / number, "validation_ndcg": None}


def test_the_run_is_there_from_the_start_and_complete_in_the_end(
    registry: CollectorRegistry, store_url: str
) -> None:
    record = RunRecord(store_url, DroppedWrites.of(registry), RUN)
    record.write()
    with open_store(store_url) as store:
        assert [row["status"] for row in store.runs()] == ["running"]
        for number in range(1, 4):
            record.add_iteration(iteration(number))
            record.amend_iteration(validation_ndcg=number / 10)
        record.update(status="completed")
        record.close()
        assert [row["status"] for row in store.runs()] == ["completed"]
        assert [row["validation_ndcg"] for row in store.iterations("als_1")] == [0.1, 0.2, 0.3]


def test_counts_come_from_the_store(registry: CollectorRegistry, store_url: str) -> None:
    with open_store(store_url) as store:
        store.save_run({**RUN, "run_id": "als_0", "status": "failed"})
    record = RunRecord(store_url, DroppedWrites.of(registry), RUN)
    assert record.counts("als") == {"failed": 1}
    record.close()


def test_without_a_store_nothing_is_kept_and_nothing_dropped(registry: CollectorRegistry) -> None:
    record = RunRecord(None, DroppedWrites.of(registry), RUN)
    record.write()
    record.amend_iteration(validation_ndcg=0.1)
    record.add_iteration(iteration(1))
    record.close()
    assert record.counts("als") == {}
    assert not [sample for family in registry.collect() for sample in family.samples]


def test_after_a_failure_the_rounds_are_not_held_up(registry: CollectorRegistry) -> None:
    dropped = DroppedWrites.of(registry)
    record = RunRecord("sqlite:////proc/nowhere/store.db", dropped, RUN)
    record.write()
    for number in range(1, 101):
        record.add_iteration(iteration(number))
    record.close()
    labels = {"target": "store", "reason": "unavailable"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 101
