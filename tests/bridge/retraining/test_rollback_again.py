"""An alert about the version before, and alerts that may ask again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recwatch.registry import ModelRegistry
from recwatch.testing import PrometheusServer
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.clock import moment
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.retraining.patience import LIMIT
from recwatch_bridge.retraining.rollback import AGAIN, SETTLE, RollbackDriver
from recwatch_bridge.retraining.rollbacks import Rollback

LABELS = {"alertname": "ModelBroken", "model": "als", "action": "rollback"}


class Desk:
    """A model with two versions, an alert of Alertmanager and of Prometheus, and what rolls back."""

    def __init__(self, shop: Any, prometheus: PrometheusServer, repeat: Callable[[float], Any]) -> None:
        self.shop = shop
        self.prometheus = prometheus
        self._repeat = repeat
        self.registry = ModelRegistry(shop.plan.registry.folder, clock=lambda: moment(shop.clock()))
        shop.plan = replace(shop.plan, registry=self.registry)
        self.versions: list[str] = []
        for _ in range(2):
            self.promote()
            self.wait(3_600)
        self.began = shop.clock()
        self.driver = self.new_driver(Prometheus(prometheus.url, metrics=shop.metrics))

    def new_driver(self, prometheus: Prometheus | None) -> RollbackDriver:
        """As after a restart."""
        return RollbackDriver(self.shop.plan, self.shop.books(), prometheus)

    def promote(self) -> None:
        self.versions.append(self.shop.put_into_service())

    def wait(self, seconds: float) -> None:
        self.shop.clock.now += seconds

    def fire(self, since: float) -> None:
        """Let the alert be active in Prometheus."""
        self.prometheus.alerts.clear()
        self.prometheus.fire(LABELS, since=moment(since))

    def repeat(self) -> Any:
        """Let Alertmanager send it."""
        return self._repeat(self.began)

    def work(self) -> None:
        """Do what is to be done, for as long as it takes."""
        while (wait := self.driver.step()) is not None:
            self.wait(wait)

    @property
    def last(self) -> Rollback:
        with self.shop.store.read() as connection:
            return rollbacks.newest(connection, 1)[0]

    @property
    def subjects(self) -> list[str]:
        return [subject.partition(": ")[0] for subject in self.shop.subjects("email")]


@pytest.fixture
def desk(shop: Any, acceptor: Acceptor, webhook: Any, alert: Any) -> Any:
    def repeat(began: float) -> Any:
        starts_at = moment(began).isoformat()
        return acceptor.rollback(webhook(alert("ModelBroken", starts_at=starts_at, labels=LABELS)))

    with PrometheusServer() as prometheus:
        yield Desk(shop, prometheus, repeat)


@pytest.mark.parametrize("fired_before", [True, False], ids=["firing before", "pending before"])
def test_an_alert_that_began_before_a_promotion_leaves_it_alone(desk: Desk, *, fired_before: bool) -> None:
    desk.fire(since=desk.began)
    desk.wait(60)
    desk.promote()
    desk.wait(30)
    if not fired_before:
        desk.began = desk.shop.clock()
    desk.wait(5)
    desk.repeat()
    desk.work()
    assert (desk.last.state, desk.registry.current()) == ("declined", desk.versions[2])
    assert f"The alert began before {desk.versions[2]} came into service" in str(desk.last.error)
    assert desk.subjects == ["[WARNING] Rollback declined"]
    # Alertmanager repeats: too early, and then late enough to be about the new version as well.
    desk.wait(SETTLE - 36)
    assert desk.repeat().rollbacks == ()
    desk.wait(1)
    assert desk.repeat().rollbacks == (desk.last.id,)
    desk.work()
    assert (desk.last.state, desk.registry.current()) == ("done", desk.versions[1])
    assert desk.subjects == ["[WARNING] Rollback declined", "[WARNING] Model rolled back"]


def test_an_alert_that_began_after_a_promotion_rolls_it_back_at_once(desk: Desk) -> None:
    desk.promote()
    desk.wait(20)
    desk.began = desk.shop.clock()
    desk.fire(since=desk.began)
    desk.repeat()
    desk.work()
    assert (desk.last.state, desk.registry.current()) == ("done", desk.versions[1])


def test_a_rollback_that_was_done_is_never_repeated(desk: Desk) -> None:
    desk.fire(since=desk.began)
    desk.repeat()
    desk.work()
    assert (desk.last.state, desk.last.again) == ("done", None)
    desk.wait(86_400)
    assert [text.rpartition(" ")[2] for text in desk.repeat().ignored] == ["seen"]


def test_what_was_declined_because_prometheus_was_away_is_asked_again(desk: Desk) -> None:
    desk.fire(since=desk.began)
    desk.prometheus.fail_next(503, 1_000)
    desk.repeat()
    desk.work()
    assert desk.last.state == "declined"
    assert desk.shop.clock() - desk.began >= LIMIT
    desk.prometheus.behave()
    assert desk.repeat().rollbacks == ()
    desk.wait(AGAIN)
    assert desk.repeat().rollbacks
    desk.work()
    assert (desk.last.state, desk.registry.current()) == ("done", desk.versions[0])


def test_what_was_declined_for_lack_of_prometheus_url_is_asked_again(desk: Desk) -> None:
    with_url, desk.driver = desk.driver, desk.new_driver(None)
    desk.fire(since=desk.began)
    desk.repeat()
    desk.work()
    assert desk.last.state == "declined"
    desk.wait(AGAIN)
    desk.driver = with_url
    assert desk.repeat().rollbacks
    desk.work()
    assert (desk.last.state, desk.registry.current()) == ("done", desk.versions[0])


def test_what_failed_is_tried_again(desk: Desk) -> None:
    manifest = desk.registry.path(desk.versions[0]) / "manifest.json"
    kept = manifest.read_text(encoding="utf-8")
    manifest.unlink()
    desk.fire(since=desk.began)
    desk.repeat()
    desk.work()
    assert desk.last.state == "failed"
    manifest.write_text(kept, encoding="utf-8")
    desk.wait(AGAIN)
    desk.repeat()
    desk.work()
    assert (desk.last.state, desk.last.error) == ("done", None)
    assert len(desk.registry.history()) == 3


def test_a_clock_that_was_set_back_lets_a_repeat_ask(desk: Desk) -> None:
    desk.repeat()
    desk.work()
    assert desk.last.state == "declined"
    desk.wait(-86_400)
    assert desk.repeat().rollbacks
