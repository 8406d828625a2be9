from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from recwatch.store import Store, reranking_metrics, service_health
from recwatch.store.aggregator import Aggregator

AddRequests = Callable[..., None]
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# A minute is summed up five seconds after its end.
SETTLED = timedelta(seconds=5)


def counts(store: Store) -> list[float]:
    query = sa.select(service_health.c.requests_per_minute).order_by(service_health.c.timestamp)
    with store.transaction() as connection:
        return list(connection.execute(query).scalars())


def hours(store: Store) -> list[int]:
    query = sa.select(reranking_metrics.c.requests_without_rerank).order_by(reranking_metrics.c.timestamp)
    with store.transaction() as connection:
        return list(connection.execute(query).scalars())


def write(store: Store, add_requests: AddRequests, aggregator: Aggregator, *times: datetime) -> None:
    add_requests(store, *({"timestamp": at} for at in times))
    aggregator.note(min(times))


def test_a_minute_gets_its_row_when_it_is_over_and_settled(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    aggregator.step(store, START + MINUTE)
    assert counts(store) == []
    aggregator.step(store, START + MINUTE + SETTLED)
    assert counts(store) == [1]


def test_minutes_without_requests_get_rows_too(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    for number in range(1, 5):
        aggregator.step(store, START + number * MINUTE + SETTLED)
    assert counts(store) == [1, 0, 0, 0]


def test_requests_written_late_change_their_row_however_late(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    now = START + 30 * MINUTE + SETTLED
    aggregator.step(store, now)
    write(store, add_requests, aggregator, START + 10 * MINUTE, START + 30 * MINUTE)
    aggregator.step(store, now)
    assert counts(store) == [1, *[0] * 9, 1, *[0] * 19]
    aggregator.step(store, now + MINUTE)
    assert counts(store)[-1] == 1


def test_an_hour_gets_its_row_and_late_requests_change_it(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    aggregator.step(store, START + HOUR + SETTLED)
    assert hours(store) == [1]
    write(store, add_requests, aggregator, START + MINUTE)
    aggregator.step(store, START + HOUR + SETTLED)
    assert hours(store) == [2]


def test_a_long_pause_is_made_up_for_in_bounded_steps(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    now = START + 150 * MINUTE + SETTLED
    seen = []
    for _ in range(4):
        aggregator.step(store, now)
        seen.append(len(counts(store)))
    assert seen == [60, 120, 150, 150]


def test_a_restart_goes_on_where_the_last_process_ended(store: Store, add_requests: AddRequests) -> None:
    first, second = Aggregator(), Aggregator()
    write(store, add_requests, first, START)
    first.step(store, START + 2 * MINUTE + SETTLED)
    write(store, add_requests, second, START + 3 * MINUTE)
    second.step(store, START + 4 * MINUTE + SETTLED)
    assert counts(store) == [1, 0, 0, 1]


def test_two_workers_make_one_row(store: Store, add_requests: AddRequests) -> None:
    one, other = Aggregator(), Aggregator()
    write(store, add_requests, one, START)
    one.step(store, START + MINUTE + SETTLED)
    write(store, add_requests, other, START, START)
    other.step(store, START + MINUTE + SETTLED)
    one.step(store, START + MINUTE + SETTLED)
    assert counts(store) == [3]


def test_a_clock_that_goes_back_makes_nothing(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    aggregator.step(store, START + 2 * MINUTE + SETTLED)
    aggregator.step(store, START - HOUR)
    aggregator.step(store, START + 2 * MINUTE + SETTLED)
    assert counts(store) == [1, 0]


def test_a_clock_that_is_set_back_leaves_no_gap(store: Store, add_requests: AddRequests) -> None:
    aggregator = Aggregator()
    write(store, add_requests, aggregator, START)
    aggregator.step(store, START + MINUTE + SETTLED)
    ahead = START + timedelta(days=365)
    write(store, add_requests, aggregator, ahead)
    aggregator.step(store, ahead + MINUTE + SETTLED)
    aggregator.step(store, START + 5 * MINUTE + SETTLED)
    write(store, add_requests, aggregator, START + 7 * MINUTE)
    aggregator.step(store, START + 8 * MINUTE + SETTLED)
    assert counts(store)[:8] == [1, 0, 0, 0, 0, 0, 0, 1]
