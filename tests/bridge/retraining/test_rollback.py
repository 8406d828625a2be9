"""Rolling back and promoting by hand, step by step, against a Prometheus that says what it is told to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from recwatch.registry import ModelRegistry
from recwatch.testing import PrometheusServer
from recwatch_bridge.clock import moment
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import patience, rollback, rollbacks
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.retraining.rollbacks import Rollback

LABELS = {"alertname": "ModelBroken", "model": "als", "severity": "critical", "cluster": "external"}
FIRING = {"alertname": "ModelBroken", "model": "als", "severity": "critical"}


@dataclass
class Desk:
    """A model with two versions, and what rolls it back."""

    shop: Any
    plan: ModelPlan
    prometheus: PrometheusServer
    versions: list[str]

    def driver(self, *, asks: bool = True, **changes: Any) -> RollbackDriver:
        """A new driver, as after a restart."""
        return RollbackDriver(
            replace(self.plan, **changes),
            self.shop.books(),
            Prometheus(self.prometheus.url, metrics=self.shop.metrics) if asks else None,
        )

    def ask(self, *, trigger: str = "alert", fingerprint: str = "f1", **more: Any) -> str:
        starts_at = more.pop("starts_at", moment(self.shop.clock()).isoformat())
        values = {"labels": LABELS, "episode": (fingerprint, starts_at)} if trigger == "alert" else {}
        with self.shop.store.write() as connection:
            made = rollbacks.create(
                connection, "als", trigger=trigger, reason="5 % fail", now=self.shop.clock(), **values | more
            )
        assert made is not None
        return made

    def fire(self) -> None:
        self.prometheus.fire(FIRING, since=moment(self.shop.clock()))

    def wait(self, seconds: float) -> None:
        self.shop.clock.now += seconds

    @property
    def last(self) -> Rollback:
        with self.shop.store.read() as connection:
            return rollbacks.newest(connection, 1)[0]

    def put_into_service(self) -> str:
        version: str = self.shop.put_into_service()
        self.wait(3600)
        return version


@pytest.fixture
def desk(shop: Any) -> Iterator[Desk]:
    registry = ModelRegistry(shop.plan.registry.folder, clock=lambda: moment(shop.clock()))
    shop.plan = replace(shop.plan, registry=registry)
    with PrometheusServer() as prometheus:
        made = Desk(shop, shop.plan, prometheus, [])
        made.versions = [made.put_into_service() for _ in range(2)]
        yield made


def test_an_alert_that_still_fires_rolls_back_once(desk: Desk) -> None:
    desk.fire()
    made = desk.ask()
    driver = desk.driver()
    assert driver.step() == 0.0
    assert driver.step() is None
    history = desk.plan.registry.history()
    assert (desk.plan.registry.current(), history[-1].action) == (desk.versions[0], "rollback")
    assert history[-1].reason == f"{made}: 5 % fail"
    assert (desk.last.state, desk.last.target, desk.last.reload) == ("done", desk.versions[0], None)
    assert desk.last.serving == desk.versions[1]
    assert desk.shop.value("bridge_rollbacks_total", outcome="success") == 1
    expected = [f"[WARNING] Model rolled back: als {desk.versions[0]}"]
    assert desk.shop.subjects("email") == desk.shop.subjects("slack") == expected
    assert "5 % fail" in desk.shop.messages("email")[0].body


def test_a_service_is_told(desk: Desk, service: Any) -> None:
    service.answers = [500, 500]
    desk.fire()
    desk.ask()
    driver = desk.driver(reloader=Reloader(service.url, None))
    waits = []
    while (wait := driver.step()) is not None:
        waits.append(wait)
        desk.wait(wait)
    assert (desk.last.state, desk.last.reload, len(service.asked)) == ("done", "done", 3)
    assert desk.shop.value("bridge_reloads_total", outcome="success") == 1
    assert max(waits) < 0.1


def test_a_service_that_does_not_reload_is_told_of(desk: Desk, service: Any) -> None:
    service.answers = [503] * 5
    desk.ask(trigger="manual")
    driver = desk.driver(reloader=Reloader(service.url, None))
    while driver.step() is not None:
        pass
    assert (desk.last.reload, desk.last.error) == ("failed", "it answered 503")
    first, second = desk.shop.messages("email")
    assert second.subject == f"[CRITICAL] Service not reloaded: als {desk.versions[0]}"
    assert second.reply_to == first.uid


@pytest.mark.parametrize(
    ("fires", "why"),
    [
        ([], "The alert does not fire in Prometheus (any more)."),
        ([{**FIRING, "model": "bpr"}], "The alert does not fire in Prometheus (any more)."),
        (
            [{**FIRING, "instance": "one-that-did-not-ask"}],
            "Prometheus has such an alert of this model, but its labels differ: instance.",
        ),
        ([{"alertname": "Other", "model": "als"}], "The alert does not fire in Prometheus (any more)."),
        ([{"alertname": "ModelBroken"}], "The alert does not fire in Prometheus (any more)."),
    ],
)
def test_an_alert_that_is_over_changes_nothing(desk: Desk, fires: list[dict[str, str]], why: str) -> None:
    for labels in fires:
        desk.prometheus.fire(labels)
    desk.prometheus.fire(FIRING, state="pending")
    desk.ask()
    assert desk.driver().step() == 0.0
    assert (desk.last.state, desk.plan.registry.current()) == ("declined", desk.versions[1])
    assert desk.shop.subjects("email") == ["[INFO] Rollback declined: als"]
    body = desk.shop.messages("email")[0].body
    assert f"{desk.versions[1]} stays in service" in body
    assert why in body
    assert desk.shop.value("bridge_rollbacks_total", outcome="declined") == 1


def test_without_prometheus_url_no_alert_rolls_back(desk: Desk) -> None:
    desk.ask()
    desk.driver(asks=False).step()
    assert desk.last.state == "declined"
    assert "add prometheus_url" in str(desk.last.error)


def test_a_prometheus_that_is_away_is_asked_again(desk: Desk) -> None:
    desk.fire()
    desk.prometheus.fail_next(503, 3)
    desk.ask()
    driver = desk.driver()
    assert driver.step() == 1.0
    desk.wait(0.5)  # woken early
    assert driver.step() == 0.5
    desk.wait(0.5)
    assert driver.step() == 2.0
    desk.wait(2)
    assert driver.step() == 4.0
    desk.wait(4)
    assert driver.step() == 0.0
    assert (desk.last.state, len(desk.prometheus.messages)) == ("done", 4)


def test_a_prometheus_that_stays_away_is_told_of(desk: Desk) -> None:
    desk.prometheus.fail_next(503, 1_000)
    desk.ask()
    driver = desk.driver()
    asked = desk.shop.clock()
    while (wait := driver.step()) is not None:
        desk.wait(wait)
    assert patience.LIMIT <= desk.shop.clock() - asked <= patience.LIMIT + 30
    assert (desk.last.state, desk.plan.registry.current()) == ("declined", desk.versions[1])
    assert desk.shop.subjects("slack") == ["[CRITICAL] Rollback declined: als"]
    assert len(desk.prometheus.messages) < 30


def test_a_clock_that_is_set_back_ends_no_waiting_and_starts_none(desk: Desk) -> None:
    desk.fire()
    desk.prometheus.fail_next(503)
    desk.ask()
    driver = desk.driver()
    driver.step()
    desk.wait(-86_400)
    assert driver.step() == 0.0
    assert desk.last.state == "done"


def test_one_that_waits_holds_up_no_person(desk: Desk) -> None:
    desk.prometheus.fail_next(503, 1_000)
    desk.ask()
    driver = desk.driver()
    driver.step()
    desk.ask(trigger="manual")
    assert driver.step() == 0.0
    assert (desk.last.state, desk.plan.registry.current()) == ("done", desk.versions[0])
    assert driver.step() == 0.0  # the alert asked about the version that is gone
    assert driver.step() is None
    assert len(desk.plan.registry.history()) == 3


@pytest.mark.parametrize("said", [True, False])
def test_somebody_who_was_faster_stops_it(desk: Desk, said: bool) -> None:  # noqa: FBT001
    desk.fire()
    desk.ask(serving=desk.versions[1] if said else None)
    desk.wait(1)
    third = desk.put_into_service()
    desk.driver().step()
    assert (desk.last.state, desk.plan.registry.current()) == ("declined", third)
    assert f"it was {desk.versions[1]}, and is {third}" in str(desk.last.error)


def test_two_alerts_about_one_version_roll_back_once(desk: Desk) -> None:
    desk.put_into_service()
    desk.fire()
    desk.ask()
    desk.ask(fingerprint="f2")
    driver = desk.driver()
    desk.wait(1)
    while driver.step() == 0.0:
        pass
    assert desk.plan.registry.current() == desk.versions[1]
    assert desk.last.state == "declined"


def test_an_alert_soon_after_a_rollback_waits_and_is_asked_about_again(desk: Desk) -> None:
    desk.put_into_service()
    desk.ask(trigger="manual")
    driver = desk.driver()
    driver.step()
    desk.fire()
    desk.wait(60)
    desk.ask(fingerprint="late")
    assert driver.step() == rollback.SETTLE - 60
    assert desk.prometheus.messages == []
    desk.wait(rollback.SETTLE - 60)
    desk.prometheus.alerts.clear()
    assert driver.step() == 0.0
    assert (desk.last.state, desk.plan.registry.current()) == ("declined", desk.versions[1])


@pytest.mark.parametrize("trigger", ["alert", "watch", "manual"])
def test_nothing_to_go_back_to(desk: Desk, trigger: str) -> None:
    desk.fire()
    driver = desk.driver()
    desk.ask(trigger="manual")
    driver.step()
    desk.wait(rollback.SETTLE)
    desk.ask(trigger=trigger)
    driver.step()
    assert (desk.last.state, desk.plan.registry.current()) == ("declined", desk.versions[0])
    assert "no version was in service before" in str(desk.last.error)


def test_a_version_that_is_gone_fails(desk: Desk) -> None:
    desk.fire()
    (desk.plan.registry.path(desk.versions[0]) / "manifest.json").unlink()
    desk.ask()
    desk.driver().step()
    assert (desk.last.state, desk.plan.registry.current()) == ("failed", desk.versions[1])
    assert desk.shop.subjects("email") == ["[CRITICAL] Rollback failed: als"]
    assert desk.shop.value("bridge_rollbacks_total", outcome="error") == 1


def test_a_registry_that_is_damaged_fails(desk: Desk) -> None:
    (desk.plan.registry.folder / "current").write_text("../../etc", encoding="utf-8")
    desk.ask(trigger="manual")
    desk.driver().step()
    assert desk.last.state == "failed"


def test_what_the_watch_asks_for_is_done_without_a_question(desk: Desk) -> None:
    desk.ask(trigger="watch", episode=("watch:run", ""), serving=desk.versions[1])
    desk.driver().step()
    assert (desk.last.state, desk.plan.registry.current()) == ("done", desk.versions[0])
    assert desk.prometheus.messages == []


def test_a_promotion_by_hand(desk: Desk) -> None:
    desk.ask(trigger="manual", target=desk.versions[0], serving=desk.versions[1])
    desk.driver().step()
    last = desk.plan.registry.history()[-1]
    assert (last.version, last.action, desk.last.state) == (desk.versions[0], "promote", "done")
    assert desk.plan.registry.rollback_target() == desk.versions[1]
    assert desk.shop.subjects("email") == [f"[INFO] Model promoted by hand: als {desk.versions[0]}"]
    assert desk.shop.value("bridge_promotions_total", outcome="success") == 1


@pytest.mark.parametrize(("which", "state"), [(1, "declined"), (None, "failed")])
def test_a_promotion_that_cannot_be(desk: Desk, which: int | None, state: str) -> None:
    desk.ask(trigger="manual", target="v99" if which is None else desk.versions[which])
    desk.driver().step()
    assert (desk.last.state, desk.plan.registry.current()) == (state, desk.versions[1])
    assert desk.shop.value("bridge_promotions_total", outcome="error") == 1
