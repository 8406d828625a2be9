"""What a person may do: retrain, cancel, promote, roll back, approve, reload, send again.

Most of it is stored here, and done by a worker.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry
from recwatch_bridge.delivering import dead_letters
from recwatch_bridge.retraining import approvals, rollbacks, runs, trigger
from recwatch_bridge.retraining.cancelling import cancel
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.retraining.trigger import Asked
from recwatch_bridge.text import one_line
from recwatch_bridge.web import reading
from recwatch_bridge.web.reading import not_loaded
from recwatch_bridge.web.refusals import Refused
from recwatch_bridge.web.service import Service

REASON_LENGTH = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Actions:
    """Does what somebody asks for; that they may is checked before."""

    service: Service

    def registry(self, model: str) -> ModelRegistry:
        """Return a model's versions.

        Raises:
            Refused: 404.
        """
        found = self.service.registries.get(model)
        if found is None:
            known = ", ".join(sorted(self.service.registries)) or "none"
            raise Refused(404, f"no such model; bridge.yml has: {known}")
        return found

    def retrain(self, model: str, reason: str, by: str) -> Asked:
        """Ask for a retraining; the policy holds for people too.

        Raises:
            Refused: 404.
        """
        self.registry(model)
        service = self.service
        asked = trigger.manual(
            service.store, service.limits[model], model, reason=reason, by=by, now=service.clock()
        )
        log.info("%s: %s asks for a retraining: run %s", model, by, asked.run_id)
        service.wake()
        return asked

    def promote(self, model: str, version: str, serving: str | None, reason: str, by: str) -> str:
        """Ask for a published version to be put into service; returns the request's id.

        Args:
            model: its name.
            version: a published one.
            serving: the version that whoever asks believes to be in service; None for none.
            reason: in their words; may be empty.
            by: who asks.

        Raises:
            Refused: 404, or 409 where it is in service already, or another one is than was believed.
        """
        registry = self.registry(model)
        if version not in registry.versions():
            known = ", ".join(registry.versions()[-10:]) or "none"
            raise Refused(404, f"no such version; the newest are: {known}")
        try:
            registry.manifest(version)
            current = registry.current()
        except RegistryError as error:
            raise Refused(409, one_line(str(error), 1_000)) from error
        if version == current:
            raise Refused(409, f"{version} is in service already")
        _check_same(current, serving)
        return self._change(model, _with(reason, f"by {by}"), current, version)

    def rollback(self, model: str, serving: str | None, reason: str, by: str) -> str:
        """Ask for the version before to be put back into service; returns the request's id.

        Raises:
            Refused: 404, or 409 where there is none, or another one is in service than was believed.
        """
        registry = self.registry(model)
        try:
            current, target = registry.current(), registry.rollback_target()
        except RegistryError as error:
            raise Refused(409, one_line(str(error), 1_000)) from error
        _check_same(current, serving)
        if target is None:
            raise Refused(409, "nothing to roll back to: no version was in service before")
        return self._change(model, _with(reason, f"by {by}"), current, None)

    def cancel(self, run_id: str, reason: str, by: str) -> None:
        """Take back a run that waits.

        Raises:
            Refused: 404, or 409 where it has begun or ended.
        """
        run = self._run(run_id)
        if run.state != "pending" or not cancel(self.service.books, run, by=by, reason=reason):
            state = self._run(run_id).state
            raise Refused(409, f"only a run that waits can be cancelled: this one is {state}")
        log.info("%s: cancelled by %s", run_id, by)

    def reload(self, model: str, by: str) -> str:
        """Have the service told again to load the version in service; returns whose version that is.

        Raises:
            Refused: 404, or 409 where the service was told of it, or is being told.
        """
        registry, store = self.registry(model), self.service.store
        try:
            current = registry.current()
        except RegistryError as error:
            raise Refused(409, one_line(str(error), 1_000)) from error

        def work(connection: Connection) -> str | None:
            found = not_loaded(connection, model, current)
            if found is None:
                return None
            table = runs if isinstance(found.change, Run) else rollbacks
            asked = table.note(connection, found.change, reload="pending", error=None)
            return found.change.id if asked else None

        change = store.commit(work)
        if change is None:
            raise Refused(409, f"nothing to do: no reload of {current or 'a version'} has failed")
        log.info("%s: %s is to be loaded again, asked for by %s", model, current, by)
        self.service.wake()
        return change

    def decide(self, run_id: str, reason: str, by: str, *, approve: bool) -> None:
        """Answer for a candidate that waits for a person.

        Raises:
            Refused: 404, or 409 where it does not wait for an answer any more.
        """
        service = self.service
        counts = approvals.decide(
            service.store, run_id, approve=approve, by=by, reason=reason, clock=service.clock
        )
        if not counts:
            why_not = approvals.why_not(self._run(run_id))
            raise Refused(409, f"this run does not wait for an answer (any more): {why_not}")
        log.info("%s: %s", run_id, _with(reason, f"{'approved' if approve else 'rejected'} by {by}"))
        service.wake()

    def revive(self, uids: Collection[str] | None, sink: str | None, by: str) -> int:
        """Send dead letters again; returns how many.

        Args:
            uids: which; None is all.
            sink: only this one's; None is any.
            by: who asks.
        """
        service = self.service
        count = service.store.commit(
            lambda connection: dead_letters.revive(connection, uids, service.clock(), sink=sink)
        )
        log.info("%s sends %d dead letters again", by, count)
        service.wake()
        return count

    def _run(self, run_id: str) -> Run:
        with self.service.store.read() as connection:
            return reading.run(connection, run_id)[0]

    def _change(self, model: str, reason: str, serving: str | None, target: str | None) -> str:
        now = self.service.clock()

        def work(connection: Connection) -> str | None:
            return rollbacks.create(
                connection, model, trigger="manual", reason=reason, serving=serving, target=target, now=now
            )

        identity = self.service.store.commit(work)
        log.info("%s: %s: %s, asked for %s", model, identity, reason, target or "the version before")
        self.service.wake()
        return str(identity)


def _with(reason: str, by: str) -> str:
    told = one_line(reason, REASON_LENGTH)
    return f"{by}: {told}" if told else by


def _check_same(current: str | None, believed: str | None) -> None:
    if current != believed:
        raise Refused(
            409,
            f"{current or 'no version'} is in service now, not {believed or 'none'}: look again, then decide",
        )
