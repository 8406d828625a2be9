"""Putting a candidate into service, and telling the service."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update

from recwatch.testing import free_port, wait_until
from recwatch_bridge.retraining import patience, runs
from recwatch_bridge.retraining.plan import WatchPlan
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.retraining.retrain import RetrainWorker
from recwatch_bridge.storage import schema
from recwatch_bridge.worker import IDLE


def test_candidate_is_refused_when_the_version_in_service_changed_meanwhile(shop: Any) -> None:
    before = shop.put_into_service()
    worker = shop.worker()
    shop.alarm()
    run = shop.until(worker, "promoting")
    assert run.serving == before
    after = shop.put_into_service()
    run = shop.until(worker, "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.error == (
        f"the version in service changed while the candidate was made ({before}, now {after}): "
        "the comparison no longer holds"
    )
    assert shop.plan.registry.current() == after
    assert shop.subjects("email")[-1] == f"[WARNING] Candidate refused: als {run.version}"
    assert shop.value("bridge_retrains_total", trigger="alert", status="refused") == 1
    assert shop.value("bridge_promotions_total", outcome="success") == 0


def test_bridge_that_died_between_promotion_and_its_record(shop: Any) -> None:
    shop.alarm()
    run = shop.until(shop.worker(), "promoting")
    shop.plan.registry.promote(str(run.version), reason=f"run {run.id}: by the bridge that died")
    shop.until(shop.worker(), "promoted")
    assert len(shop.plan.registry.history()) == 1


def test_candidate_that_came_into_service_by_another_hand_is_left_to_it(shop: Any) -> None:
    shop.put_into_service()
    shop.alarm()
    run = shop.until(shop.worker(), "promoting")
    shop.plan.registry.promote(str(run.version), reason="by hand")
    shop.plan.registry.rollback(reason="it was bad")
    run = shop.until(shop.worker(), "promoted", "refused", "failed")
    assert (run.state, run.error) == ("refused", f"{run.version} was in service before, by another hand")
    assert len(shop.plan.registry.history()) == 3


def at_a_registry_that_cannot_be_written(shop: Any) -> tuple[RetrainWorker, Path]:
    """A worker with a candidate to promote, and what is in its way: a folder where the lock should be."""
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "promoting")
    lock = shop.plan.registry.folder / ".lock"
    lock.unlink()
    lock.mkdir()
    return worker, lock


def test_registry_that_cannot_be_written_for_a_while_costs_no_candidate(shop: Any) -> None:
    worker, lock = at_a_registry_that_cannot_be_written(shop)
    assert worker.step() == 1.0
    lock.rmdir()
    assert 0 < worker.step() <= 1.0  # not yet
    assert shop.plan.registry.current() is None
    shop.clock.now += 1
    assert shop.until(worker, "promoted", "refused", "failed").state == "promoted"
    assert shop.value("bridge_promotions_total", outcome="error") == 0


def test_registry_that_can_never_be_written_fails_the_run(shop: Any) -> None:
    worker, _ = at_a_registry_that_cannot_be_written(shop)
    began = shop.clock.now
    while shop.last.state == "promoting":
        shop.clock.now += worker.step()
    assert patience.LIMIT <= shop.clock.now - began < patience.LIMIT + 40
    assert "could not be promoted: als: " in str(shop.last.error)
    assert shop.value("bridge_promotions_total", outcome="error") == 1


def test_service_is_told_with_its_token(shop: Any, service: Any) -> None:
    service.answers = [503, 500]
    worker = shop.worker(reloader=Reloader(service.url, "admin-token"))
    shop.alarm()
    assert shop.until(worker, "promoted").reload == "pending"
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "done")
    assert service.asked == ["Bearer admin-token"] * 3
    assert shop.value("bridge_reloads_total", outcome="success") == 1


def test_service_that_does_not_reload_is_told_loudly(shop: Any, service: Any) -> None:
    service.answers = [302] * 9
    worker = shop.worker(reloader=Reloader(service.url, None))
    shop.alarm()
    run = shop.until(worker, "promoted")
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "failed")
    assert shop.last.state == "promoted"
    assert shop.last.error == "it answered 302"
    assert len(service.asked) == 5
    assert shop.subjects("email")[-1] == f"[CRITICAL] Service not reloaded: als {run.version}"
    assert shop.value("bridge_reloads_total", outcome="error") == 1
    assert worker.step() == IDLE


def test_address_of_the_service_appears_in_no_error() -> None:
    reloader = Reloader(f"http://user:secret@127.0.0.1:{free_port()}/admin/reload", None, timeout=1)
    assert reloader.call() == "no answer (ConnectionError)"


WATCH = WatchPlan(period=600.0, max_errors=0.05, min_requests=50)


def test_watch_begins_with_the_promotion(shop: Any) -> None:
    shop.alarm()
    run = shop.until(shop.worker(watch=WATCH), "promoted")
    assert (run.watch, run.watch_until) == ("pending", shop.clock.now + 600)


def test_watch_begins_when_the_service_was_told(shop: Any, service: Any) -> None:
    worker = shop.worker(watch=WATCH, reloader=Reloader(service.url, None))
    shop.alarm()
    assert shop.until(worker, "promoted").watch is None
    shop.clock.now += 60
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "done")
    assert (shop.last.watch, shop.last.watch_until) == ("pending", shop.clock.now + 600)


def test_watch_does_not_begin_where_the_service_did_not_load(shop: Any, service: Any) -> None:
    service.answers = [503] * 5
    worker = shop.worker(watch=WATCH, reloader=Reloader(service.url, None))
    shop.alarm()
    shop.until(worker, "promoted")
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "failed")
    assert (shop.last.watch, shop.last.watch_until) == ("unknown", None)
    assert "The watch over the version does not begin" in shop.messages("email")[-1].body
    assert shop.value("bridge_watches_total", outcome="unknown") == 1


def test_service_that_is_told_again_is_watched_then(shop: Any, service: Any) -> None:
    service.answers = [503] * 5
    worker = shop.worker(watch=WATCH, reloader=Reloader(service.url, None))
    shop.alarm()
    shop.until(worker, "promoted")
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "failed")
    assert shop.books().note(shop.last, reload="pending", error=None), "as a person asks for it on the page"
    wait_until(lambda: worker.step() > 0 and shop.last.reload == "done")
    assert len(service.asked) == 6
    assert (shop.last.watch, shop.last.watch_until) == ("pending", shop.clock.now + 600)


def test_promotion_that_was_undone_by_hand_is_not_done_again(shop: Any) -> None:
    first = shop.put_into_service()
    worker = shop.worker()
    shop.alarm()
    run = shop.until(worker, "promoting")
    with shop.store.read() as connection:
        before = runs.get(connection, run.id)
    worker.step()
    with shop.store.write() as connection:  # as if the bridge had been killed before it recorded that
        values = {"state": "promoting", "finished": None}
        connection.execute(update(schema.runs).where(schema.runs.c.id == run.id).values(**values))
        assert runs.get(connection, run.id) == replace(before, first_notice=shop.last.first_notice)
    shop.plan.registry.rollback(reason="by hand")
    shop.until(shop.worker(), "promoted")
    assert [it.action for it in shop.plan.registry.history()] == ["promote", "promote", "rollback"]
    assert shop.plan.registry.current() == first
    told = shop.messages("email")[-1]
    assert told.subject == f"[INFO] Model promoted: als {run.version}"
    assert f"takes the place of {first}. Meanwhile somebody has put {first} into service" in told.body
