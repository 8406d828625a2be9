"""What a trainer made is judged: by the gate, and where the model asks for it by a person."""

import logging

from recwatch.errors import RegistryError
from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining import approvals, candidate, gate, notices
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.patience import Patience
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.result import read_result
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.worker import IDLE

log = logging.getLogger(__name__)


class Judging:
    """Judges a model's candidates.

    Args:
        plan: the model's.
        books: where outcomes are stored.
    """

    def __init__(self, plan: ModelPlan, books: Bookkeeper) -> None:
        self._plan = plan
        self._books = books
        self._patience = Patience()

    def judge(self, run: Run) -> float:
        """Put a candidate before the gate, if it is one: a new version of this model."""
        now, registry = self._books.now(), self._plan.registry
        wait = self._patience.wait(run.id, now)
        if wait > 0:
            return wait
        try:
            result = read_result(self._books.order(run).result)
            manifest, history = registry.manifest(result.version), registry.history()
            in_service = registry.current()
        except (ResultError, RegistryError, OSError) as error:
            return self._cannot_read(run, error, now)
        self._patience.forget(run.id)
        names = (self._plan.name, registry.model)
        why_not = candidate.of_another_model(result.version, manifest, names) or candidate.not_new(
            result.version, history, current=in_service, serving=run.serving
        )
        if why_not:
            why = f"{why_not}: {candidate.REMEDY}"
            notice = notices.refused(run, result.version, why, in_service)
            self._books.finish(run, "refused", notice, error=why)
            log.warning("run %s: refused: %s", run.id, why)
            return 0.0
        decision = gate.evaluate(
            self._plan.rules, result, min_samples=self._plan.min_samples, in_service=in_service
        )
        if not decision.passed:
            notice = notices.refused(run, result.version, f"Gate: {decision.summary}", in_service)
            self._books.finish(run, "refused", notice, gate=decision.to_dict())
            log.warning("run %s: %s refused: %s", run.id, result.version, decision.summary)
            return 0.0
        log.info("run %s: %s passed the gate: %s", run.id, result.version, decision.summary)
        if self._plan.approval is None:
            self._books.advance(run, "promoting", gate=decision.to_dict())
            return 0.0
        until = self._books.now() + self._plan.approval
        notice = notices.approval_asked(run, result.version, in_service, decision.summary, until)
        if self._books.advance(run, "approving", notice, gate=decision.to_dict(), approve_until=until):
            self._books.observe(run)
        return 0.0

    def await_answer(self, run: Run) -> float:
        """Act on a person's answer about a candidate; nobody's answer in time is a no."""
        answer = approvals.answer(run)
        if answer is None:
            return self._wait(run)
        version = str(run.version)
        if answer == "approved":
            done = self._books.advance(run, "promoting") is not None
        else:
            why = str(run.error)
            serving = run.serving or None
            notice = notices.refused(run, version, f"{why[:1].upper()}{why[1:]}", serving)
            done = self._books.finish(run, "refused", notice, error=why)
        if done:
            self._books.metrics.approvals.labels(run.model, answer).inc()
            log.info("run %s: %s: %s", run.id, version, run.error or f"approved by {run.approved_by}")
        return 0.0

    def _cannot_read(self, run: Run, error: Exception, now: float) -> float:
        again = self._patience.failed(run.id, error, now)
        if again is None:
            self._books.fail(run, str(error))
            return 0.0
        log.warning("run %s: cannot be judged yet, tried again in %g s: %s", run.id, again, error)
        return again

    def _wait(self, run: Run) -> float:
        now, within = self._books.now(), self._plan.approval
        until = now if run.approve_until is None else run.approve_until
        if within is not None and until > now + within:
            # The clock was set back, or the configuration gives less time than it did.
            self._books.note(run, approve_until=now + within)
            return 0.0
        if now < until:
            return min(until - now, IDLE)
        with self._books.store.write() as connection:
            approvals.expire(connection, run, within)
        return 0.0
