from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from recwatch.metrics import DroppedWrites
from recwatch.store import Retention, Store, requests, service_health
from recwatch.store.upkeep import Upkeep

AddRequests = Callable[..., None]
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def make(
    registry: CollectorRegistry, *, aggregates: bool = True, retention: Retention | None = None
) -> Upkeep:
    dropped = DroppedWrites.of(registry)
    now = AT + timedelta(minutes=2)
    return Upkeep(aggregates=aggregates, retention=retention, now=lambda: now, dropped=dropped)


def count(store: Store, table: sa.Table) -> int:
    with store.transaction() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def dropped(registry: CollectorRegistry, target: str, reason: str) -> float | None:
    labels = {"target": target, "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_it_sums_up_and_deletes(store: Store, registry: CollectorRegistry, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": AT - timedelta(hours=2)}, {"timestamp": AT})
    upkeep = make(registry, retention=Retention(max_age=timedelta(hours=1)))
    upkeep.note(AT)
    upkeep.step(store)
    assert (count(store, service_health) > 0, count(store, requests)) == (True, 1)


def test_it_does_neither_where_neither_is_wanted(
    store: Store, registry: CollectorRegistry, add_requests: AddRequests
) -> None:
    add_requests(store, {"timestamp": AT - timedelta(days=1000)})
    upkeep = make(registry, aggregates=False)
    upkeep.note(AT)
    upkeep.step(store)
    assert (count(store, service_health), count(store, requests)) == (0, 1)


def test_much_to_delete_goes_on_at_the_next_step(
    store: Store, registry: CollectorRegistry, add_requests: AddRequests
) -> None:
    add_requests(store, *({"timestamp": AT - timedelta(hours=2)} for _ in range(20_500)))
    upkeep = make(registry, aggregates=False, retention=Retention(max_age=timedelta(hours=1)))
    upkeep.step(store)
    assert count(store, requests) == 500
    upkeep.step(store)
    assert count(store, requests) == 0


@pytest.mark.parametrize("table", ["requests", "service_health"])
def test_failures_are_counted_and_not_raised(
    store: Store, registry: CollectorRegistry, add_requests: AddRequests, table: str
) -> None:
    add_requests(store, {"timestamp": AT})
    with store.transaction() as connection:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    upkeep = make(registry, retention=Retention())
    upkeep.note(AT)
    upkeep.step(store)
    assert dropped(registry, "aggregates", "unavailable") == 1
    assert dropped(registry, "retention", "unavailable") == (1 if table == "requests" else 0)
