"""What is left of a model that was taken out of bridge.yml."""

from typing import Any

import pytest

from recwatch_bridge.metrics import retrainer
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.leftovers import WHY, end_leftovers
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.storage.store import Store


@pytest.fixture
def books(shop: Any) -> Bookkeeper:
    made: Bookkeeper = shop.books()
    return made


PROMOTED = ("running", "gating", "promoting", "promoted")


def put(store: Store, *states: str, **last: object) -> str:
    """A run that went through these states; `last` is stored with it then."""
    with store.write() as connection:
        run_id = runs.create(connection, "als", "alert", not_before=0.0, now=0.0)
        for state in states:
            values = {"started": 1.0} if state == "running" else {"version": "v2"}
            assert runs.move(connection, runs.get(connection, run_id), state, 1.0, **values)
        if last:
            assert runs.note(connection, runs.get(connection, run_id), **last)
    return run_id


def ask(store: Store, target: str | None = None, **then: object) -> None:
    """Something that asked for a rollback of als, or for the promotion of `target`."""
    with store.write() as connection:
        made = rollbacks.create(connection, "als", trigger="alert", reason="broken", target=target, now=5.0)
        if then:
            assert rollbacks.note(connection, rollbacks.get(connection, str(made)), **then)


def only_rollback(store: Store) -> Rollback:
    with store.read() as connection:
        [found] = rollbacks.newest(connection, 5)
    return found


@pytest.mark.parametrize(
    ("states", "end", "left"),
    [
        ((), "withdrawn", "No trainer was started."),
        (("running",), "failed", "Its trainer, if it is at work, was left alone: stop it by hand."),
        (("running", "gating"), "failed", "v2 was not promoted."),
        (("running", "gating", "approving"), "refused", "v2 was not promoted."),
    ],
)
def test_what_nobody_would_end_is_ended_and_told(
    shop: Any, books: Bookkeeper, states: tuple[str, ...], end: str, left: str
) -> None:
    put(shop.store, *states)
    end_leftovers(books, ["als"])
    assert shop.last.finished is None
    end_leftovers(books, ["bpr"])
    assert (shop.last.state, shop.last.error) == (end, WHY)
    (told,) = shop.messages("slack")
    assert told.subject == "[WARNING] Retraining given up: als"
    assert told.notification.entries[0].paragraphs == (f"{WHY}.", left)
    assert shop.value("bridge_retrains_total", trigger="alert", status=end) == 1


@pytest.mark.parametrize(
    ("target", "told", "counter", "outcome"),
    [
        (None, "Rollback declined: als", "bridge_rollbacks_total", "declined"),
        ("v7", "Promotion declined: als v7", "bridge_promotions_total", "error"),
    ],
)
def test_rollback_that_waits_is_declined_and_told(
    shop: Any, target: str | None, told: str, counter: str, outcome: str
) -> None:
    books = shop.books()
    ask(shop.store, target=target)
    end_leftovers(books, ["als"])
    assert only_rollback(shop.store).state == "pending"
    for _ in range(2):
        end_leftovers(books, ["bpr"])
    declined = only_rollback(shop.store)
    assert (declined.state, declined.error, declined.finished) == ("declined", WHY, shop.clock())
    (message,) = shop.messages("email")
    assert message.subject == f"[WARNING] {told}"
    assert message.notification.entries[0].paragraphs == (f"{WHY}.", "Whatever is in service stays.")
    assert shop.value(counter, outcome=outcome) == 1


def test_watch_that_asked_for_a_rollback_ends_with_it(shop: Any, books: Bookkeeper) -> None:
    run_id = put(shop.store, *PROMOTED, watch="rolling_back")
    with shop.store.write() as connection:
        episode = (f"watch:{run_id}", "")
        rollbacks.create(connection, "als", trigger="watch", reason="bad", episode=episode, now=5.0)
    end_leftovers(books, ["bpr"])
    assert shop.last.watch == "not_rolled_back"
    assert shop.value("bridge_watches_total", outcome="not_rolled_back") == 1


def test_service_that_nobody_will_tell_to_load_a_version_is_told_of(shop: Any, books: Bookkeeper) -> None:
    put(shop.store, *PROMOTED, reload="pending")
    ask(shop.store, state="done", target="v1", reload="pending")
    for _ in range(2):
        end_leftovers(books, ["bpr"])
    rollback = only_rollback(shop.store)
    assert (shop.last.state, shop.last.reload, shop.last.error) == ("promoted", "failed", WHY)
    assert (rollback.state, rollback.reload, rollback.error) == ("done", "failed", WHY)
    assert shop.subjects("slack") == [
        "[CRITICAL] Service not reloaded: als v2",
        "[CRITICAL] Service not reloaded: als v1",
    ]
    assert shop.value("bridge_reloads_total", outcome="error") == 2


def test_watch_that_nobody_would_end_is_ended_and_told(shop: Any, books: Bookkeeper) -> None:
    put(shop.store, *PROMOTED, watch="pending")
    for _ in range(2):
        end_leftovers(books, ["bpr"])
    assert (shop.last.state, shop.last.watch) == ("promoted", "unknown")
    assert shop.subjects("slack") == ["[WARNING] Watch without an answer: als v2"]
    assert shop.value("bridge_watches_total", outcome="unknown") == 1


def test_what_another_bridge_works_for_stays(books: Bookkeeper, postgresql_url: str) -> None:
    ours, other = Store(postgresql_url), Store(postgresql_url)
    put(ours)
    lead = other.lead(retrainer("als"))
    assert lead.held()
    books.store = ours
    end_leftovers(books, ["bpr"])
    with ours.read() as connection:
        assert runs.active(connection, "als") is not None
    lead.release()
    end_leftovers(books, ["bpr"])
    with ours.read() as connection:
        assert runs.active(connection, "als") is None
    ours.close()
    other.close()
