"""The watch over a promoted version, against a Prometheus that says what it is told to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from recwatch.testing import PrometheusServer
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import rollbacks, runs, watch
from recwatch_bridge.retraining.plan import WatchPlan
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.retraining.watch import Seen, Watcher, filled_in

PLAN = WatchPlan(period=600.0, max_errors=0.05, min_requests=50)


@dataclass
class Tower:
    """A model whose run has just been promoted."""

    shop: Any
    prometheus: PrometheusServer
    versions: list[str]

    def watcher(self, plan: WatchPlan | None = PLAN, *, asks: bool = True) -> Watcher:
        """A new watcher, as after a restart."""
        return Watcher(
            replace(self.shop.plan, watch=plan),
            self.shop.books(),
            Prometheus(self.prometheus.url) if asks else None,
        )

    def promoted(self, version: str, **values: Any) -> Run:
        now = self.shop.clock()
        with self.shop.store.write() as connection:
            run_id = runs.create(connection, "als", "alert", not_before=now, now=now)
            for state in ("running", "gating", "promoting", "promoted"):
                runs.move(connection, runs.get(connection, run_id), state, now)
            run = runs.get(connection, run_id)
            runs.note(connection, run, version=version, watch="pending", **values)
            return runs.get(connection, run_id)

    def answers(self, requests: float, errors: float, window: str) -> None:
        """What Prometheus counted within a window."""
        of_model = 'sum(increase(recommender_requests_total{model="als",outcome'
        self.prometheus.values = {
            f'{of_model}!="cancelled"}}[{window}]))': requests,
            f'{of_model}="error"}}[{window}]))': errors,
        }

    def wait(self, seconds: float) -> None:
        self.shop.clock.now += seconds

    @property
    def asked_back(self) -> list[Rollback]:
        with self.shop.store.read() as connection:
            return rollbacks.newest(connection, 10)


@pytest.fixture
def tower(shop: Any) -> Iterator[Tower]:
    with PrometheusServer() as prometheus:
        yield Tower(shop, prometheus, [shop.put_into_service() for _ in range(2)])


@pytest.fixture
def run(tower: Tower) -> Run:
    return tower.promoted(tower.versions[1], watch_until=tower.shop.clock() + PLAN.period)


def test_nothing_is_watched(tower: Tower) -> None:
    assert tower.watcher().step() is None


def test_a_good_version_passes(tower: Tower, run: Run) -> None:
    watcher = tower.watcher()
    steps = 0
    while (wait := watcher.step()) is not None:
        tower.wait(wait)
        steps += 1
        window = min(600, 5 * steps)
        tower.answers(requests=100.0 * steps, errors=5.0 * steps, window=f"{window}s")
    assert tower.shop.last.watch == "passed"
    assert tower.shop.clock() - run.created == PLAN.period
    (told,) = tower.shop.messages("email")
    assert (told.subject, tower.asked_back) == (f"[INFO] Watch passed: als {run.version}", [])
    assert "5 % of 12000 requests failed since the promotion, no more than 5 %." in told.body
    assert tower.shop.value("bridge_watches_total", outcome="passed") == 1


def test_errors_roll_back_as_soon_as_they_are_too_many(tower: Tower, run: Run) -> None:
    watcher = tower.watcher()
    assert watcher.step() == watch.POLL
    tower.wait(5)
    tower.answers(requests=49, errors=49, window="5s")  # too few to judge by
    assert watcher.step() == watch.POLL
    tower.wait(5)
    tower.answers(requests=60, errors=6, window="10s")
    assert watcher.step() == 0.0
    assert watcher.step() is None
    (asked,) = tower.asked_back
    assert (asked.trigger, asked.serving, asked.state) == ("watch", tower.versions[1], "pending")
    assert asked.reason == f"10 % of 60 requests failed since the promotion, more than 5 % (run {run.id})"
    assert tower.shop.last.watch == "rolling_back"
    assert tower.shop.subjects("slack") == [f"[CRITICAL] Rolling back: als {tower.versions[1]}"]
    assert tower.shop.value("bridge_watches_total", outcome="rolled_back") == 0  # not yet


@pytest.mark.usefixtures("run")
def test_it_looks_no_more_often_than_it_says(tower: Tower) -> None:
    watcher = tower.watcher()
    watcher.step()
    tower.wait(2)
    assert watcher.step() == 3.0
    assert len(tower.prometheus.messages) == 1


def test_a_restart_goes_on_and_judges_the_period_that_was(tower: Tower, run: Run) -> None:
    tower.watcher().step()
    tower.wait(7_200)
    tower.prometheus.clear()
    tower.answers(requests=100, errors=50, window="600s")
    assert tower.watcher().step() == 0.0
    assert tower.shop.last.watch == "rolling_back"
    assert {question.asked["time"] for question in tower.prometheus.messages} == {f"{run.watch_until:.3f}"}


def test_it_begins_when_the_service_has_been_told(tower: Tower) -> None:
    run = tower.promoted(tower.versions[1], reload="pending")
    watcher = tower.watcher()
    assert watcher.step() is None
    tower.wait(30)
    with tower.shop.store.write() as connection:
        runs.note(connection, runs.get(connection, run.id), reload="done")
    assert watcher.step() == watch.POLL
    assert tower.shop.last.watch_until == tower.shop.clock() + PLAN.period


@pytest.mark.usefixtures("run")
def test_another_version_in_service_ends_it(tower: Tower) -> None:
    tower.shop.put_into_service()
    assert tower.watcher().step() == 0.0
    assert tower.shop.last.watch == "superseded"
    assert tower.shop.subjects("email") == [f"[INFO] Watch ended: als {tower.versions[1]}"]


def test_the_version_before_is_no_longer_watched(tower: Tower) -> None:
    now = tower.shop.clock()
    tower.promoted(tower.versions[0], watch_until=now + PLAN.period)
    tower.promoted(tower.versions[1], watch_until=now + PLAN.period)
    watcher = tower.watcher()
    assert watcher.step() == 0.0
    assert watcher.step() == watch.POLL
    with tower.shop.store.read() as connection:
        assert [run.watch for run, _ in runs.newest(connection, 2)] == ["superseded", "pending"]


@pytest.mark.parametrize("requests", [0.0, 49.0])
def test_too_few_requests_are_no_answer(tower: Tower, run: Run, requests: float) -> None:
    watcher = tower.watcher()
    tower.wait(600)
    tower.answers(requests=requests, errors=requests, window="600s")
    assert watcher.step() == 0.0
    assert (tower.shop.last.watch, tower.asked_back) == ("unknown", [])
    (told,) = tower.shop.messages("email")
    assert told.subject == f"[INFO] Watch without an answer: als {run.version}"
    assert f"{requests:.0f} requests came, and min_requests is 50" in told.body


def test_a_prometheus_that_stays_away_is_told_of(tower: Tower, run: Run) -> None:
    tower.prometheus.fail_next(503, 1_000)
    watcher = tower.watcher()
    while (wait := watcher.step()) is not None:
        tower.wait(wait)
    assert tower.shop.clock() - run.created == PLAN.period + watch.GRACE
    assert (tower.shop.last.watch, tower.asked_back) == ("unknown", [])
    (told,) = tower.shop.messages("email")
    assert told.subject.startswith("[WARNING] Watch without an answer")
    assert "answered 503" in told.body


def test_a_prometheus_that_is_back_in_time_decides(tower: Tower, run: Run) -> None:
    watcher = tower.watcher()
    tower.wait(605)
    tower.prometheus.fail_next(503, 3)
    tower.answers(requests=100, errors=0, window="600s")
    while (wait := watcher.step()) is not None:
        tower.wait(wait)
    assert (tower.shop.last.id, tower.shop.last.watch) == (run.id, "passed")


@pytest.mark.usefixtures("run")
def test_a_clock_that_is_set_back_watches_for_one_period(tower: Tower) -> None:
    watcher = tower.watcher()
    watcher.step()
    tower.wait(-86_400)
    began = tower.shop.clock()
    tower.prometheus.default = 0.0
    while (wait := watcher.step()) is not None:
        tower.wait(wait)
    assert tower.shop.clock() - began == PLAN.period


def test_a_query_of_ones_own(tower: Tower, run: Run) -> None:
    plan = replace(PLAN, query='errors{model="$model"}[$window] =~ "a$"')
    watcher = tower.watcher(plan)
    tower.wait(30)
    assert watcher.step() == watch.POLL  # no number yet
    tower.wait(5)
    tower.prometheus.values = {'errors{model="als"}[35s] =~ "a$"': 0.123}
    assert watcher.step() == 0.0
    assert tower.asked_back[0].reason == f"12.3 % failed since the promotion, more than 5 % (run {run.id})"


@pytest.mark.parametrize(("asked", "asks"), [(None, True), (PLAN, False)])
def test_a_watch_that_nobody_asks_for_any_more(
    tower: Tower,
    run: Run,
    asked: WatchPlan | None,
    asks: bool,  # noqa: FBT001
) -> None:
    watcher = tower.watcher(asked, asks=asks)
    assert watcher.step() == 0.0
    assert watcher.step() is None
    assert (tower.shop.last.id, tower.shop.last.watch) == (run.id, "unknown")


@pytest.mark.parametrize(
    ("seen", "enough", "too_many"),
    [
        (Seen(None, 0.0), False, False),
        (Seen(1.0, 49.9), False, False),
        (Seen(0.05, 50.0), True, False),
        (Seen(0.0501, 50.0), True, True),
        (Seen(None), False, False),
        (Seen(0.5), True, True),
    ],
)
def test_what_is_too_many(seen: Seen, enough: bool, too_many: bool) -> None:  # noqa: FBT001
    assert (seen.enough(PLAN), seen.too_many(PLAN)) == (enough, too_many)


def test_placeholders() -> None:
    assert filled_in("$model[$window] $models $1 a$", "als", "5s") == "als[5s] $models $1 a$"
