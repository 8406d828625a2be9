"""Rolling a model back, or promoting a version by hand: asked for in a table, done here, told."""

import logging
from collections.abc import Sequence
from datetime import datetime

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import Promotion
from recwatch_bridge.clock import readable
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.messages.notification import Notification, Tone
from recwatch_bridge.prometheus import FiringAlert, Prometheus
from recwatch_bridge.retraining import rollback_ends, rollbacks
from recwatch_bridge.retraining import rollback_notices as notices
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.patience import Patience
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.reload import Reloading, Told
from recwatch_bridge.retraining.rollbacks import Rollback

SETTLE = 600.0
"""Seconds after a change in which alerts may still be about the version before."""
AGAIN = 600.0
"""Seconds after which a repeat of the alert may ask anew, where it was declined or failed for now only."""

log = logging.getLogger(__name__)


class RollbackDriver:
    """Does for one model what its table of rollbacks asks for; driven by the model's worker.

    The version in service changes only if it is still the one that it was when the rollback was asked for.
    The registry's history holds a rollback's id, so that one which was done and not recorded, because the
    bridge was killed in between, is recorded and not done again.

    Args:
        plan: the model's.
        books: where outcomes are stored and told.
        prometheus: says whether an alert still fires; None declines what alerts ask for.
    """

    def __init__(self, plan: ModelPlan, books: Bookkeeper, prometheus: Prometheus | None) -> None:
        self._plan = plan
        self._registry = plan.registry
        self._books = books
        self._prometheus = prometheus
        self._asking = Patience()
        self._changing = Patience()
        self._reloading = Reloading(plan.reloader, backoff=plan.reload_backoff)

    def step(self) -> float | None:
        """Do one thing; returns seconds to wait before the next step, None where there is nothing to do.

        One that waits (for Prometheus, say) holds up no other.
        """
        with self._books.store.read() as connection:
            found = rollbacks.unfinished(connection, self._plan.name)
        waits: list[float] = []
        for rollback in found:
            wait = self._reload(rollback) if rollback.reload else self._decide(rollback)
            if wait <= 0:
                return 0.0
            waits.append(wait)
        return min(waits, default=None)

    def _decide(self, rollback: Rollback) -> float:
        wait = self._changing.wait(rollback.id, self._books.now())
        if wait > 0:
            return wait
        try:
            history, current = self._registry.history(), self._registry.current()
            before = _done_before(history, rollback)
            if before is not None:
                return self._done(rollback, before)
            serving = _in_service_when_asked(history, current, rollback, self._books.now())
            why_not = self._why_not(rollback, serving, current)
        except (RegistryError, OSError) as error:
            return self._cannot(rollback, error)
        if why_not:
            return self._declined(rollback, why_not, current)
        if rollback.trigger == "alert":
            done = self._judge(rollback, current, history)
            if done is not None:
                return done
        return self._do(rollback, serving)

    def _why_not(self, rollback: Rollback, serving: str | None, current: str | None) -> str:
        """Return what speaks against it before anybody is asked; empty where nothing does."""
        if current != serving:
            asked, now = serving or "no version", current or "none"
            return f"The version in service changed since it was asked for: it was {asked}, and is {now}"
        if rollback.is_promotion:
            return f"{current} is in service already" if rollback.target == current else ""
        if self._registry.rollback_target() is None:
            return "There is nothing to go back to: no version was in service before"
        return ""

    def _settling(self, history: Sequence[Promotion]) -> float:
        """Return for how long an alert may still be about the version before the one in service."""
        if not history:
            return 0.0
        age = self._books.now() - history[-1].at.timestamp()
        # A clock that was set back tells nothing of the age.
        return SETTLE - max(age, 0.0) if abs(age) < SETTLE else 0.0

    def _judge(self, rollback: Rollback, current: str | None, history: Sequence[Promotion]) -> float | None:
        """See whether the alert fires, and speaks of the version in service.

        None where both are so, otherwise what `step` returns.
        """
        settling = self._settling(history)
        if settling and datetime.fromisoformat(rollback.starts_at) < history[-1].at:
            return self._too_early(rollback, current, settling)
        if settling and history[-1].action == "rollback":
            return settling
        firing = self._ask(rollback, current)
        if not isinstance(firing, list):
            return firing
        since = [alert.active_at for alert in firing if _is(alert, rollback)]
        if not since:
            why = _why_not_firing(firing, rollback)
            return self._declined(rollback, why, current, "info", again=AGAIN)
        if settling and min(since) < history[-1].at.timestamp():
            # It was pending then, and fired later.
            return self._too_early(rollback, current, settling)
        return None

    def _ask(self, rollback: Rollback, current: str | None) -> list[FiringAlert] | float:
        """Ask Prometheus what fires; without an answer, return what `step` returns."""
        if self._prometheus is None:
            why = "Nobody can tell whether the alert still fires: add prometheus_url to bridge.yml"
            return self._declined(rollback, why, current, again=AGAIN)
        now = self._books.now()
        wait = self._asking.wait(rollback.id, now)
        if wait > 0:
            return wait
        try:
            return self._prometheus.firing()
        except PrometheusError as error:
            again = self._asking.failed(rollback.id, error, now)
            if again is None:
                why = f"Prometheus could not say whether the alert still fires: {error}"
                return self._declined(rollback, why, current, "critical", again=AGAIN)
            log.warning("%s: %s: asked again in %g s: %s", self._plan.name, rollback.id, again, error)
            return again

    def _too_early(self, rollback: Rollback, current: str | None, again: float) -> float:
        why = (
            f"The alert began before {current} came into service, so it may be about the version before. If "
            f"it still fires after {readable(self._books.now() + again)}, its next repeat asks again"
        )
        return self._declined(rollback, why, current, again=again)

    def _do(self, rollback: Rollback, serving: str | None) -> float:
        reason = f"{_mark(rollback)}{rollback.reason}"
        try:
            if rollback.is_promotion:
                done = self._registry.promote(str(rollback.target), reason=reason, expected=serving)
            else:
                done = self._registry.rollback(reason=reason, expected=serving)
        except PromotionConflictError:
            return 0.0  # somebody was faster: the next step sees who
        except (RegistryError, OSError) as error:
            return self._cannot(rollback, error)
        return self._done(rollback, done)

    def _done(self, rollback: Rollback, done: Promotion) -> float:
        reload = None if self._plan.reloader is None else rollbacks.PENDING
        notice = notices.done(rollback, done.version, done.previous)
        serving = done.previous or ""
        if self._finish(rollback, "done", notice, target=done.version, serving=serving, reload=reload):
            log.warning("%s: %s: %s is in service now", self._plan.name, rollback.id, done.version)
        return 0.0

    def _declined(
        self,
        rollback: Rollback,
        why: str,
        current: str | None,
        tone: Tone = "warning",
        *,
        again: float | None = None,
    ) -> float:
        notice = notices.declined(rollback, why, current, tone)
        later = None if again is None else self._books.now() + again
        if self._finish(rollback, "declined", notice, error=why, again=later):
            log.warning("%s: %s: declined: %s", self._plan.name, rollback.id, why)
        return 0.0

    def _cannot(self, rollback: Rollback, error: Exception) -> float:
        """Try again where that may help; a change that was made before the error is found by its id then."""
        wait = self._changing.failed(rollback.id, error, self._books.now())
        if wait is None:
            return self._failed(rollback, str(error))
        log.warning("%s: %s: tried again in %g s: %s", self._plan.name, rollback.id, wait, error)
        return wait

    def _failed(self, rollback: Rollback, error: str) -> float:
        again = self._books.now() + AGAIN
        if self._finish(rollback, "failed", notices.failed(rollback, error), error=error, again=again):
            log.error("%s: %s: failed: %s", self._plan.name, rollback.id, error)
        return 0.0

    def _finish(self, rollback: Rollback, state: str, notice: Notification, **values: object) -> bool:
        self._asking.forget(rollback.id)
        self._changing.forget(rollback.id)
        return rollback_ends.finish(self._books, rollback, state, notice, **values)

    def _reload(self, rollback: Rollback) -> float:
        told = self._reloading.step(rollback.id)
        if not isinstance(told, Told):
            return told
        rollback_ends.reloaded(self._books, rollback, told.error)
        return 0.0


def _mark(rollback: Rollback) -> str:
    """What a reason in the registry's history begins with, to be known again."""
    return f"{rollback.id}: "


def _done_before(history: Sequence[Promotion], rollback: Rollback) -> Promotion | None:
    """Return the change that was made and not recorded because the bridge was killed."""
    return next((done for done in reversed(history) if done.reason.startswith(_mark(rollback))), None)


def _in_service_when_asked(
    history: Sequence[Promotion], current: str | None, rollback: Rollback, now: float
) -> str | None:
    if rollback.serving is not None:
        return rollback.serving or None
    # A change that lies in the future is older than it says: the clock was set back since.
    since = (change for change in history if rollback.created < change.at.timestamp() <= now)
    first = next(since, None)
    return current if first is None else first.previous


def _is(alert: FiringAlert, rollback: Rollback) -> bool:
    """Whether Prometheus's alert is the one that asked: Alertmanager's has the external labels besides."""
    return _is_of_its_rule(alert, rollback) and alert.labels.items() <= rollback.labels.items()


def _is_of_its_rule(alert: FiringAlert, rollback: Rollback) -> bool:
    return all(alert.labels.get(name) == rollback.labels.get(name) for name in ("alertname", "model"))


def _why_not_firing(firing: Sequence[FiringAlert], rollback: Rollback) -> str:
    similar = [
        alert.labels.items() - rollback.labels.items() for alert in firing if _is_of_its_rule(alert, rollback)
    ]
    if not similar:
        return "The alert does not fire in Prometheus (any more)"
    names = ", ".join(sorted({name for labels in similar for name, _ in labels}))
    return f"Prometheus has such an alert of this model, but its labels differ: {names}"
