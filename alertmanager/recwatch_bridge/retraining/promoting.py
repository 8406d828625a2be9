"""A candidate that was found good enough is put into service, and the service is told."""

import logging

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ANY_VERSION
from recwatch_bridge.retraining import candidate, notices
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.patience import Patience
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.reload import Reloading, Told
from recwatch_bridge.retraining.runs import Run

log = logging.getLogger(__name__)


class Promoting:
    """Promotes a model's candidates.

    Args:
        plan: the model's.
        books: where outcomes are stored.
    """

    def __init__(self, plan: ModelPlan, books: Bookkeeper) -> None:
        self._plan = plan
        self._books = books
        self._patience = Patience()
        self._reloading = Reloading(plan.reloader, backoff=plan.reload_backoff)

    def promote(self, run: Run) -> float:
        """Put the candidate into service, unless another version came there meanwhile.

        The registry's history holds the run's id, so that a promotion which was done and not recorded,
        because the bridge was killed in between, is recorded and not done again: whoever has rolled it back
        since shall keep that. A candidate that came into service by another hand is left to that hand.
        """
        now, registry = self._books.now(), self._plan.registry
        wait = self._patience.wait(run.id, now)
        if wait > 0:
            return wait
        version = str(run.version)
        decision = str((run.gate or {}).get("summary", ""))
        agreed = "" if run.approved_by is None else f", approved by {run.approved_by}"
        expected = ANY_VERSION if run.serving is None else run.serving or None
        mark = f"run {run.id}"
        try:
            history, in_service = registry.history(), registry.current()
            done = next((it for it in history if it.reason.startswith(mark)), None)
            if done is None:
                why_not = candidate.not_new(version, history, current=in_service, serving=run.serving)
                if why_not:
                    return self._refuse(run, version, f"{why_not}, by another hand", in_service)
                reason = f"{mark}{agreed}: {decision}"
                done = registry.promote(version, reason=reason, expected=expected)
                in_service = registry.current()
        except PromotionConflictError as conflict:
            return self._supersede(run, version, conflict.found)
        except (RegistryError, OSError) as error:
            return self._cannot(run, version, error, now)
        self._patience.forget(run.id)
        notice = notices.promoted(run, version, done.previous, decision, in_service)
        then = self._watched() if self._plan.reloader is None else {"reload": "pending"}
        if self._books.finish(run, "promoted", notice, **then):
            self._books.metrics.promotions.labels(run.model, "success").inc()
            log.info("run %s: %s promoted", run.id, version)
        return 0.0

    def reload(self, run: Run) -> float:
        """Tell the service to load the version; the watch over it begins when it has."""
        told = self._reloading.step(run.id)
        if not isinstance(told, Told):
            return told
        self.reloaded(run, told.error)
        return 0.0

    def reloaded(self, run: Run, error: str | None) -> None:
        """Store how telling the service to load the version ended."""
        self._books.metrics.reloads.labels(run.model, "error" if error else "success").inc()
        if error is None:
            self._books.note(run, reload="done", **self._watched())
            return
        log.error("run %s: %s is promoted but not loaded: %s", run.id, run.version, error)
        watched = self._plan.watch is not None
        notice = notices.reload_failed(run, error, watched=watched)
        unwatched = {"watch": "unknown"} if watched else {}
        if self._books.tell(run, notice, reload="failed", error=error, **unwatched) and watched:
            self._books.metrics.watches.labels(run.model, "unknown").inc()

    def _watched(self) -> dict[str, object]:
        """Return what makes the watch over a promoted version begin now."""
        if self._plan.watch is None:
            return {}
        return {"watch": "pending", "watch_until": self._books.now() + self._plan.watch.period}

    def _cannot(self, run: Run, version: str, error: Exception, now: float) -> float:
        again = self._patience.failed(run.id, error, now)
        if again is None:
            self._books.metrics.promotions.labels(run.model, "error").inc()
            self._books.fail(run, f"{version} could not be promoted: {error}")
            return 0.0
        log.warning("run %s: %s is not promoted yet, tried again in %g s: %s", run.id, version, again, error)
        return again

    def _supersede(self, run: Run, version: str, in_service: str | None) -> float:
        """Refuse a candidate that was compared with a version that is not in service any more."""
        why = (
            f"the version in service changed while the candidate was made ({run.serving or 'none'}, now "
            f"{in_service or 'none'}): the comparison no longer holds"
        )
        return self._refuse(run, version, why, in_service)

    def _refuse(self, run: Run, version: str, why: str, in_service: str | None) -> float:
        self._patience.forget(run.id)
        told = why if why.startswith(version) else f"{why[:1].upper()}{why[1:]}"
        self._books.finish(run, "refused", notices.refused(run, version, told, in_service), error=why)
        log.warning("run %s: %s refused: %s", run.id, version, why)
        return 0.0
