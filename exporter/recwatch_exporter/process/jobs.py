"""What worker processes do: run a check, or freeze its reference."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import numpy as np

from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check, check_model
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.worker import interruptible
from recwatch_exporter.process.workers import WorkerPool
from recwatch_exporter.profile import FrozenCheck
from recwatch_exporter.results import CheckResult
from recwatch_exporter.texts import LONGEST_TEXT, bounded

MODULE = "recwatch_exporter.run"
"""What a worker needs for its work: engines that take seconds to import, and that its parent never needs."""


@dataclass(frozen=True)
class Parcel:
    """A check on its way to another process.

    The models of checks are made from their types when they are first needed, so they have no place from
    which another process could import them: the type's name goes instead.
    """

    type: str
    state: Mapping[Any, Any]

    @classmethod
    def of(cls, check: Check) -> Self:
        """Pack a check."""
        return cls(check.type, check.__getstate__())

    def check(self) -> Check:
        """Unpack it."""
        model = check_model(TYPES[self.type])
        made = model.__new__(model)
        made.__setstate__(dict(self.state))
        return made


def run(parcel: Parcel, now: datetime) -> CheckResult:
    """Run a check in this process, within its own timeout."""
    from recwatch_exporter.run import run_check  # noqa: PLC0415 - see MODULE

    check = parcel.check()
    with interruptible(Deadline(check.timeout)) as deadline:
        result = run_check(check, now=now, deadline=deadline)
    findings = tuple(replace(finding, details=plain(finding.details)) for finding in result.findings)
    return replace(result, findings=findings)


def freeze(parcel: Parcel, now: datetime) -> FrozenCheck:
    """Freeze a check's reference in this process, within its own timeout."""
    from recwatch_exporter.run import freeze_check  # noqa: PLC0415 - see MODULE

    check = parcel.check()
    with interruptible(Deadline(check.timeout)) as deadline:
        return freeze_check(check, now=now, deadline=deadline)


class Remote:
    """`run_check` and `freeze_check` with the same arguments, in a worker process."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def run(self, check: Check, *, now: datetime, deadline: Deadline) -> CheckResult:
        """As `run_check`; besides its errors, those of `WorkerPool.call`."""
        found: CheckResult = self._pool.call(
            run, Parcel.of(check), now, deadline=deadline, memory=check.memory
        )
        return found

    def freeze(self, check: Check, *, now: datetime, deadline: Deadline) -> FrozenCheck:
        """As `freeze_check`; besides its errors, those of `WorkerPool.call`."""
        frozen: FrozenCheck = self._pool.call(
            freeze, Parcel.of(check), now, deadline=deadline, memory=check.memory
        )
        return frozen


def plain(value: Any) -> Any:
    """The same as JSON can hold it: numbers as Python's own, NaN and infinity as None, the rest as text.

    Texts are cut to 500 characters.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {bounded(str(key), LONGEST_TEXT): plain(item) for key, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return bounded(str(value), LONGEST_TEXT)
