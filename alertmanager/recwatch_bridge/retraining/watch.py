"""Watching a promoted version in service: what Prometheus counts of its errors decides whether it stays."""

import logging
import re
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, update

from recwatch.errors import RegistryError
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import rollbacks, runs, watch_notices
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.plan import ModelPlan, WatchPlan
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage import schema

PENDING = "pending"
ROLLING_BACK = "rolling_back"
"""The version must go; the rollback that was asked for says whether it went."""
_EPISODE = "watch:"
POLL = 5.0
"""Seconds between two looks."""
GRACE = 60.0
"""Seconds after the end in which a Prometheus that does not answer is asked again."""

_REQUESTS = 'sum(increase(recommender_requests_total{model="$model",outcome!="cancelled"}[$window]))'
_ERRORS = 'sum(increase(recommender_requests_total{model="$model",outcome="error"}[$window]))'

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """What Prometheus counted since the promotion.

    Attributes:
        share: of errors, 0 to 1; None where there is no number.
        requests: how many; None where the share comes from a query of the configuration.
    """

    share: float | None
    requests: float | None = None

    def enough(self, plan: WatchPlan) -> bool:
        """Whether it says anything about the version."""
        return self.share is not None and (self.requests is None or self.requests >= plan.min_requests)

    def too_many(self, plan: WatchPlan) -> bool:
        """Whether the version must go."""
        return self.share is not None and self.enough(plan) and self.share > plan.max_errors


class Watcher:
    """Watches what a model's runs promoted; driven by the model's worker.

    A watch begins when the service has been told to load the version, and is stored with its run, so that a
    restart goes on with it.

    Args:
        plan: the model's.
        books: where outcomes are stored and told.
        prometheus: is asked; without it nothing can be told.
    """

    def __init__(self, plan: ModelPlan, books: Bookkeeper, prometheus: Prometheus | None) -> None:
        self._plan = plan
        self._books = books
        self._prometheus = prometheus
        self._next_look = 0.0
        self._blind_since: float | None = None

    def step(self) -> float | None:
        """Look once; returns seconds to wait before the next step, None where nothing is watched."""
        with self._books.store.read() as connection:
            run = _watched(connection, self._plan.name)
        if run is None:
            return None
        plan = self._plan.watch
        if plan is None or self._prometheus is None:
            return self._unknown(run, "bridge.yml does not ask for a watch any more")
        now = self._books.now()
        until = run.watch_until
        # Also where the clock was set back: nobody is watched longer than a whole period.
        if until is None or until - now > plan.period:
            until = now + plan.period
            with self._books.store.write() as connection:
                runs.note(connection, run, watch_until=until)
        wait = self._next_look - now
        if 0 < wait <= POLL:
            return wait
        self._next_look = now + POLL
        return self._look(run, plan, self._prometheus, until, now)

    def _look(self, run: Run, plan: WatchPlan, prometheus: Prometheus, until: float, now: float) -> float:
        since = until - plan.period
        try:
            current = self._plan.registry.current()
            if current != run.version:
                return self._end(run, "superseded", watch_notices.superseded(run, current))
            seen = look(prometheus, plan, run.model, since=since, to=min(now, until), over=now >= until)
        except (PrometheusError, RegistryError, OSError) as error:
            log.warning("%s: the watch over %s cannot look: %s", run.model, run.version, error)
            return self._blind(run, str(error), until, now)
        self._blind_since = None
        if seen.too_many(plan):
            return self._roll_back(run, plan, seen)
        if now < until:
            return min(POLL, until - now)
        if seen.enough(plan):
            held = watch_notices.why_it_stays(seen.share or 0.0, seen.requests, plan)
            return self._end(run, "passed", watch_notices.passed(run, held))
        return self._end(run, "unknown", watch_notices.too_few(run, seen.requests, plan))

    def _blind(self, run: Run, error: str, until: float, now: float) -> float:
        """Wait for an answer, at the end for `GRACE` only: a bridge that was down asks more than once too."""
        if now < until:
            return min(POLL, until - now)
        self._blind_since = min(now, now if self._blind_since is None else self._blind_since)
        if now - self._blind_since < GRACE:
            return POLL
        return self._unknown(run, error)

    def _roll_back(self, run: Run, plan: WatchPlan, seen: Seen) -> float:
        why = watch_notices.why(seen.share or 0.0, seen.requests, plan)
        with self._books.store.write() as connection:
            if not _settle(connection, run.id, PENDING, ROLLING_BACK):
                return 0.0  # another bridge was faster
            rollbacks.create(
                connection,
                run.model,
                trigger="watch",
                reason=f"{why} (run {run.id})",
                episode=(f"{_EPISODE}{run.id}", ""),
                serving=run.version,
                now=self._books.now(),
            )
            notice = watch_notices.rolling_back(run, why)
            self._books.send(connection, runs.get(connection, run.id), notice)
        return self._over(run, ROLLING_BACK)

    def _unknown(self, run: Run, why: str) -> float:
        return self._end(run, "unknown", watch_notices.unknown(run, why))

    def _end(self, run: Run, outcome: str, notice: Notification) -> float:
        with self._books.store.write() as connection:
            if not _settle(connection, run.id, PENDING, outcome):
                return 0.0  # another bridge was faster
            self._books.send(connection, runs.get(connection, run.id), notice)
        self._books.metrics.watches.labels(run.model, outcome).inc()
        return self._over(run, outcome)

    def _over(self, run: Run, outcome: str) -> float:
        self._books.wake_sinks()
        self._next_look, self._blind_since = 0.0, None
        log.info("%s: the watch over %s ended: %s", run.model, run.version, outcome)
        return 0.0


def look(
    prometheus: Prometheus, plan: WatchPlan, model: str, *, since: float, to: float, over: bool = False
) -> Seen:
    """Ask Prometheus for the share of errors since a promotion.

    Args:
        prometheus: is asked.
        plan: says how.
        model: the model's name.
        since: when the watch began, in seconds since the epoch.
        to: now, or the end of the watch.
        over: whether to ask about the moment `to` rather than about Prometheus's own now.

    Raises:
        PrometheusError: when it cannot be asked.
    """
    window = f"{max(1, round(to - since))}s"
    at = to if over else None

    def number(query: str) -> float | None:
        return prometheus.instant(filled_in(query, model, window), at=at)

    if plan.query is not None:
        return Seen(number(plan.query))
    requests = number(_REQUESTS) or 0.0
    if requests <= 0:
        return Seen(None, 0.0)
    # No error at all leaves no series where a service makes them at the first error.
    return Seen((number(_ERRORS) or 0.0) / requests, requests)


def filled_in(query: str, model: str, window: str) -> str:
    """Replace `$model` and `$window` in a query; any other `$` stays."""
    values = {"model": model, "window": window}
    return re.sub(r"\$(model|window)\b", lambda found: values[found[1]], query)


def _watched(connection: Connection, model: str) -> Run | None:
    """Return the oldest run whose version is watched, and which the service was told to load."""
    query = (
        select(schema.runs.c.id)
        .where(schema.runs.c.model == model, schema.runs.c.state == "promoted")
        .where(schema.runs.c.watch == PENDING)
        .where(or_(schema.runs.c.reload.is_(None), schema.runs.c.reload != PENDING))
        .order_by(schema.runs.c.number)
        .limit(1)
    )
    found = connection.scalar(query)
    return None if found is None else runs.get(connection, found)


def conclude(connection: Connection, rollback: Rollback) -> str | None:
    """Store what became of the watch that asked for a rollback.

    Args:
        connection: of the transaction that ends the rollback.
        rollback: one that has ended, whoever asked for it.

    Returns:
        `rolled_back`, or `not_rolled_back` where it was declined or failed; None where no watch waits for it.
    """
    run_id = rollback.fingerprint.removeprefix(_EPISODE)
    outcome = "rolled_back" if rollback.state == "done" else "not_rolled_back"
    asked = rollback.trigger == "watch" and _settle(connection, run_id, ROLLING_BACK, outcome)
    return outcome if asked else None


def _settle(connection: Connection, run_id: str, before: str, after: str) -> bool:
    query = update(schema.runs).where(schema.runs.c.id == run_id, schema.runs.c.watch == before)
    return connection.execute(query.values(watch=after)).rowcount == 1
