"""What the page shows, gathered in one look at the store and at each model's registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from recwatch.registry import ModelRegistry
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Backlog, Message
from recwatch_bridge.retraining import policy, rollbacks
from recwatch_bridge.retraining import runs as run_table
from recwatch_bridge.retraining.log_tail import log_tail
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.web import reading
from recwatch_bridge.web.candidates import Candidate, candidates, metrics_of
from recwatch_bridge.web.reading import NotLoaded, standing
from recwatch_bridge.web.service import Service
from recwatch_bridge.web.views import log_file, reason_texts

_DEAD_SHOWN = 50
_ROLLBACKS_SHOWN = 10
_LOG_LINES = 200


@dataclass(frozen=True)
class ModelState:
    """A model and its versions.

    Attributes:
        name: its name.
        current: the version in service.
        since: when it came into service.
        target: the version that a rollback would put back.
        others: published versions that could be promoted, newest first.
        run: the run that waits or goes on.
        waits_for: why it waits; empty where it does not, or that cannot be told.
        missed: the version in service, where the service could not be told to load it.
        change: the rollback or promotion that is asked for and not done.
        metrics: of the version in service, as its trainer measured them.
        error: what is wrong with its registry.
    """

    name: str
    current: str | None
    since: datetime | None
    target: str | None
    others: Sequence[Candidate]
    run: Run | None
    waits_for: str
    missed: NotLoaded | None
    change: Rollback | None
    metrics: Mapping[str, float]
    error: str | None


@dataclass(frozen=True)
class RunRow:
    """A run and why it is."""

    run: Run
    reasons: Sequence[str]


@dataclass(frozen=True)
class RunDetail(RunRow):
    """A run with its log's end, and why it waits."""

    log: str
    log_path: str
    waits_for: str


@dataclass(frozen=True)
class Overview:
    """The whole first page; lists are newest first."""

    backlog: Mapping[str, Backlog]
    ailing: Sequence[str]
    heard: float | None
    silent: float | None
    models: Sequence[ModelState]
    runs: Sequence[RunRow]
    approving: Sequence[Run]
    messages: Sequence[Message]
    dead: Sequence[Message]
    rollbacks: Sequence[Rollback]

    @property
    def dead_count(self) -> int:
        """How many dead letters there are, shown or not."""
        return sum(backlog.dead for backlog in self.backlog.values())

    @property
    def calls(self) -> bool:
        """Whether anything needs a person."""
        wrong = any(model.error or model.missed for model in self.models)
        return bool(self.approving or self.dead_count or self.silent or self.ailing or wrong)


def overview(service: Service, limit: int) -> Overview:
    """Gather the first page.

    Args:
        service: the bridge.
        limit: how many runs and messages.
    """
    with service.store.read() as connection:
        models = [
            model_state(service, connection, name, registry) for name, registry in service.registries.items()
        ]
        newest = run_table.newest(connection, limit)
        approving = reading.approving(connection)
        heard, silent = reading.watchdog(connection), reading.silence(connection)
        messages = outbox.newest(connection, limit)
        dead = outbox.newest(connection, _DEAD_SHOWN, state="dead")
        changes = rollbacks.newest(connection, _ROLLBACKS_SHOWN)
        backlog = outbox.backlog(connection, service.sinks)
    return Overview(
        backlog=backlog,
        ailing=sorted(service.ailing()),
        heard=heard,
        silent=silent,
        models=models,
        runs=[RunRow(run, reason_texts(run, reasons)) for run, reasons in reversed(newest)],
        approving=approving,
        messages=messages[::-1],
        dead=dead[::-1],
        rollbacks=changes[::-1],
    )


def run_detail(service: Service, run_id: str) -> RunDetail:
    """Gather the page of a run.

    Raises:
        Refused: 404.
    """
    with service.store.read() as connection:
        run, reasons = reading.run(connection, run_id)
        waits_for = _waits_for(service, connection, run)
    path = log_file(service.runs_folder, run)
    return RunDetail(run, reason_texts(run, reasons), log_tail(path, _LOG_LINES), str(path), waits_for)


def model_state(service: Service, connection: Connection, name: str, registry: ModelRegistry) -> ModelState:
    """Look at a model: its registry, which may be damaged, and what the store knows."""
    found, run = standing(registry), run_table.active(connection, name)
    last = found.history[-1] if found.history else None
    return ModelState(
        name=name,
        current=found.current,
        since=last.at if last is not None and last.version == found.current else None,
        target=found.target,
        others=candidates(connection, name, registry, found),
        run=run,
        waits_for="" if run is None else _waits_for(service, connection, run),
        missed=reading.not_loaded(connection, name, found.current),
        change=next(iter(rollbacks.unfinished(connection, name)), None),
        metrics=metrics_of(registry, found.current) or {},
        error=found.error,
    )


def _waits_for(service: Service, connection: Connection, run: Run) -> str:
    limits, now = service.limits.get(run.model), service.clock()
    if run.state != "pending" or limits is None:
        return ""
    return policy.waits_for(limits, run_table.past(connection, run.model, now), run.not_before, now)
