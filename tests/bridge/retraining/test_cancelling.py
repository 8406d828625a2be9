"""A person takes back a run that waits."""

from typing import Any

from recwatch_bridge.delivering import outbox
from recwatch_bridge.retraining import runs, trigger
from recwatch_bridge.retraining.cancelling import cancel
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.store import Store


def waiting(store: Store, clock: Any) -> Run:
    limits = Limits(cooldown=3_600.0, max_per_day=3)
    asked = trigger.manual(store, limits, "als", reason="", by="ana", now=clock())
    with store.read() as connection:
        return runs.get(connection, str(asked.run_id))


def test_a_run_that_waits_is_withdrawn_and_told(shop: Any, store: Store, clock: Any, metrics: Any) -> None:
    run = waiting(store, clock)
    assert cancel(shop.books(), run, by="ana", reason="the wrong\nmodel")
    with store.read() as connection:
        found, told = runs.get(connection, run.id), outbox.newest(connection, 10)
        past = runs.past(connection, "als", clock())
    assert (found.state, found.error) == ("withdrawn", "cancelled by ana: the wrong model")
    assert {message.subject for message in told} == {"[INFO] Retraining cancelled: als"}
    assert (past.active, past.last_finished) == (False, None), "it costs neither cooldown nor allowance"
    ended = {"model": "als", "trigger": "manual", "status": "withdrawn"}
    assert metrics.registry.get_sample_value("bridge_retrains_total", ended) == 1


def test_a_run_that_has_begun_goes_on(shop: Any, store: Store, clock: Any) -> None:
    run = waiting(store, clock)
    with store.write() as connection:
        runs.move(connection, run, "running", clock(), started=clock())
    assert not cancel(shop.books(), run, by="ana")
    with store.read() as connection:
        assert runs.get(connection, run.id).state == "running"
        assert outbox.newest(connection, 10) == []
