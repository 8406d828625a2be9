"""Questions to the store that only people ask. Functions take the connection of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry, Promotion
from recwatch_bridge.accepting.watchdog import HEARD, SILENT
from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.retraining import runs as table
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.retraining.runs import Reason, Run
from recwatch_bridge.storage import facts, schema
from recwatch_bridge.web.refusals import Refused


@dataclass(frozen=True)
class NotLoaded:
    """A version that is in service by the registry, and that the service could not be told to load.

    Attributes:
        change: the run, rollback or promotion by hand that put it there.
        version: its name.
        since: when it was put there.
        error: why the service could not be told.
    """

    change: Run | Rollback
    version: str
    since: float
    error: str


@dataclass(frozen=True)
class Standing:
    """What a model's registry says.

    Attributes:
        current: the version in service; None where there is none, or that cannot be read.
        target: the version that a rollback would put back.
        versions: all that are published, oldest first.
        history: every change, oldest first.
        error: what is wrong with it, and where.
    """

    current: str | None
    target: str | None
    versions: Sequence[str]
    history: Sequence[Promotion]
    error: str | None


def standing(registry: ModelRegistry) -> Standing:
    """Look at a model's registry, which may be damaged."""
    versions, folder = registry.versions(), registry.folder
    try:
        current = registry.current()
    except RegistryError as error:
        return Standing(None, None, versions, (), _at(folder / "current", error))
    if current is not None and current not in versions:
        gone = f"{current} is in service, but {folder / current} is not there"
        return Standing(current, None, versions, history(registry), f"{gone}: restore it, or promote another")
    try:
        return Standing(current, registry.rollback_target(), versions, registry.history(), None)
    except RegistryError as error:
        return Standing(current, None, versions, (), _at(folder / "history.jsonl", error))


def _at(file: Path, error: RegistryError) -> str:
    return str(error) if str(file.parent) in str(error) else f"{file}: {error}"


def run(connection: Connection, run_id: str) -> tuple[Run, Sequence[Reason]]:
    """Return a run and its reasons.

    Raises:
        Refused: 404.
    """
    found = table.find(connection, run_id)
    if found is None:
        raise Refused(404, "no such run")
    return found, table.reasons_of(connection, run_id)


def approving(connection: Connection) -> list[Run]:
    """Return the runs whose candidates wait for a person's answer."""
    query = (
        select(schema.runs.c.id)
        .where(schema.runs.c.state == "approving")
        .where(schema.runs.c.approved_by.is_(None), schema.runs.c.error.is_(None))
        .order_by(schema.runs.c.number)
    )
    return [table.get(connection, found) for found in connection.scalars(query).all()]


def watchdog(connection: Connection) -> float | None:
    """Return when Alertmanager's Watchdog was last heard."""
    heard = facts.get(connection, HEARD)
    return None if heard is None else heard.at


def history(registry: ModelRegistry) -> list[Promotion]:
    """Return every change of the version in service, oldest first; none where the registry cannot be read."""
    try:
        return registry.history()
    except RegistryError:
        return []


def silence(connection: Connection) -> float | None:
    """Return since when Alertmanager's Watchdog is said to be silent; None while it is heard."""
    silent = facts.get(connection, SILENT)
    return None if silent is None else silent.at


def not_loaded(connection: Connection, model: str, current: str | None) -> NotLoaded | None:
    """Return the version in service if its service could not be told to load it.

    Args:
        connection: of a transaction.
        model: its name.
        current: the version in service; where it is another one than the last that this bridge put there,
            somebody else has changed that since.
    """
    last = max(_last_changes(connection, model), key=lambda change: change.finished or 0.0, default=None)
    if last is None or last.reload != "failed":
        return None
    version = last.version if isinstance(last, Run) else last.target
    if version is None or version != current:
        return None
    return NotLoaded(last, version, last.finished or 0.0, last.error or "")


def _last_changes(connection: Connection, model: str) -> list[Run | Rollback]:
    """Return the last run and the last rollback, or promotion by hand, that changed the version."""
    found: list[Run | Rollback] = []
    for columns, state in ((schema.runs.c, "promoted"), (schema.rollbacks.c, "done")):
        query = (
            select(columns.id)
            .where(columns.model == model, columns.state == state)
            .order_by(columns.finished.desc(), columns.number.desc())
            .limit(1)
        )
        identity = connection.scalar(query)
        if identity is not None:
            get = table.get if state == "promoted" else rollbacks.get
            found.append(get(connection, identity))
    return found
