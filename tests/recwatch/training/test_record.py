from typing import Any

from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites
from recwatch.store import open_store
from recwatch.training.record import RunRecord

RUN = {"run_id": "als_1", "model_type": "als", "status": "running"}


def iteration(number: int) -> dict[str, Any]:
    return {"iteration": number, "loss": 1.0 / number, "validation_ndcg": None}


def dropped(registry: CollectorRegistry, reason: str) -> float | None:
    labels = {"target": "store", "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


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
        record.write_rest()
        record.close()
        assert [row["status"] for row in store.runs()] == ["completed"]
        assert [row["validation_ndcg"] for row in store.iterations("als_1")] == [0.1, 0.2, 0.3]


def test_rows_are_written_as_they_come_and_the_newest_waits_for_its_validation(
    registry: CollectorRegistry, store_url: str
) -> None:
    record = RunRecord(store_url, DroppedWrites.of(registry), RUN)
    record.add_iteration(iteration(1))
    record.add_iteration(iteration(2))
    assert record.pending == 3
    record.write()
    assert record.pending == 2
    with open_store(store_url) as store:
        assert [row["iteration"] for row in store.iterations("als_1")] == [1]
    record.close()


def test_without_rows_only_the_heartbeat_writes(registry: CollectorRegistry, store_url: str) -> None:
    record = RunRecord(store_url, DroppedWrites.of(registry), RUN)
    with open_store(store_url) as store:

        def heartbeat() -> object:
            return store.runs()[0]["heartbeat_at"]

        record.write()
        first = heartbeat()
        record.write()
        assert heartbeat() == first
        record._written_at -= 30.0
        record.write()
        assert heartbeat() != first
    record.close()


def test_after_a_failure_the_store_is_left_alone_for_a_while(registry: CollectorRegistry) -> None:
    record = RunRecord("sqlite:////proc/nowhere/store.db", DroppedWrites.of(registry), RUN, capacity=100)
    record.write()
    retry_at = record._retry_at
    for number in range(1, 104):
        record.add_iteration(iteration(number))
    record.write()
    assert record._retry_at == retry_at
    assert dropped(registry, "full") == 2
    record.write_rest()
    assert dropped(registry, "unavailable") == 102
