"""The versions that a person could promote, and what there is to know of each before that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry
from recwatch_bridge.retraining import runs as table
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.schema import runs
from recwatch_bridge.web.reading import Standing

_SHOWN = 20


@dataclass(frozen=True)
class Candidate:
    """A published version that is not in service.

    Attributes:
        version: its name.
        metrics: as its trainer measured them.
        remark: what became of it so far, such as `refused by the gate`; empty where that is not known.
        whole: whether it can be promoted at all.
    """

    version: str
    metrics: Mapping[str, float]
    remark: str
    whole: bool


def candidates(
    connection: Connection, model: str, registry: ModelRegistry, found: Standing
) -> list[Candidate]:
    """Return the newest versions that are not in service, newest first."""
    names = [version for version in reversed(found.versions) if version != found.current][:_SHOWN]
    remarks = _of_runs(connection, model, names) | _of_history(found)
    made = []
    for name in names:
        metrics = metrics_of(registry, name)
        remark = "damaged" if metrics is None else remarks.get(name, "")
        made.append(Candidate(name, metrics or {}, remark, metrics is not None))
    return made


def metrics_of(registry: ModelRegistry, version: str | None) -> Mapping[str, float] | None:
    """Return what a version's trainer measured; None where its manifest cannot be read."""
    if version is None:
        return None
    try:
        metrics = registry.manifest(version).metrics
    except RegistryError:
        return None
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _of_runs(connection: Connection, model: str, versions: list[str]) -> dict[str, str]:
    query = (
        select(runs.c.id).where(runs.c.model == model, runs.c.version.in_(versions)).order_by(runs.c.number)
    )
    found = [table.get(connection, run_id) for run_id in connection.scalars(query).all()]
    return {str(run.version): _remark(run) for run in found}


def _remark(run: Run) -> str:
    if run.state == "refused" and run.gate is not None and not run.gate.get("passed"):
        return "refused by the gate"
    words = {"refused": "refused", "failed": "its run failed", "approving": "waits for approval"}
    return words.get(run.state, "was in service" if run.state == "promoted" else "")


def _of_history(found: Standing) -> dict[str, str]:
    remarks: dict[str, str] = {}
    for change in found.history:
        if change.previous is not None:
            remarks[change.previous] = "rolled back" if change.action == "rollback" else "was in service"
    return remarks
