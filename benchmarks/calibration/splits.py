"""False alarms: windows of one distribution, split after split, through the exporter's own code."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import process_time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.calibration.cache import code_digest
from benchmarks.calibration.memory import MemoryWindow, Table, take
from benchmarks.calibration.nulls import NULLS, Null
from benchmarks.calibration.rates import ALPHA
from benchmarks.calibration.subjects import Subject, subject_of
from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check, Config
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.families.table import family_of
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.opening import Windows, cut
from recwatch_exporter.sources.spans import reference_span

if TYPE_CHECKING:
    from types import ModuleType

    from recwatch_exporter.sources.window import Window

SEED = 20_040
"""Split number i of every type draws its windows from (SEED, kind of data, i), and permutes with seed i."""
PERMUTATIONS = 199
_SOME_TIME = datetime(2024, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Splits:
    """Some splits of one type on one kind of data: numbers `first` up to but not including `last`."""

    type: str
    null: str
    first: int
    last: int
    permutations: int = PERMUTATIONS

    @property
    def name(self) -> str:
        return f"{self.type}-{self.null}-{self.permutations}-{self.first}-{self.last}"

    @property
    def code(self) -> str:
        """A digest of all that the result comes from."""
        return code_of(self.type, __name__)

    def run(self) -> dict[str, Any]:
        """Counts of alarms, as JSON can hold them."""
        return asdict(count_alarms(self))


@dataclass(frozen=True)
class Alarms:
    """How often p was at most alpha.

    Attributes:
        splits: how many were tried.
        alarms: of the check.
        plain: of the plain test.
        undefined: splits in which the check had no p-value; they count as silent.
        seconds: of CPU time, all of it together.
    """

    splits: int
    alarms: int
    plain: int
    undefined: int
    seconds: float


@cache
def code_of(name: str, module: str) -> str:
    """A digest of a type, its family, what both import, and of a module of ours that tries them."""
    kind = TYPES[name]
    family = cast("ModuleType", family_of(kind))
    subject = subject_of(kind)
    return code_digest(
        (f"recwatch_exporter.checks.{name}", family.__name__, module),
        more=f"{kind.options.__name__} {dict(subject.keys)} {sorted(subject.left_out)}",
    )


def make_check(kind: CheckType, keys: Mapping[str, Any], *, permutations: int) -> Check:
    """A check as drift.yml makes it."""
    sides = {side: {"path": "memory.parquet", **keys.get(side, {})} for side in ("reference", "current")}
    said = {"name": kind.name, "type": kind.name, "permutations": permutations, **keys, **sides}
    return Config.model_validate({"checks": [said]}, context={}).checks[0]


def p_value(check: Check, windows: tuple[Table, Table]) -> float:
    """What the check's family makes of two windows; NaN where the statistic is not defined."""
    opened = cut(
        check, Windows(_window(check, "reference", windows[0]), _window(check, "current", windows[1]))
    )
    reference, current = opened.reference, opened.current
    assert reference is not None
    family = family_of(check.check_type)
    run = Run(now=_SOME_TIME, deadline=Deadline(timedelta(minutes=5)))
    feature = family.features(check, current)[0]
    try:
        frozen = family.freeze(check, feature, reference, run)
        found = family.measure(check, feature, frozen, current, run=run, reference=reference).p_value
    except StatisticError:
        return float("nan")
    return float("nan") if found is None else found


def _window(check: Check, side: str, columns: Table) -> "Window":
    """A window as `sources.opening` bounds it."""
    given = check.reference if side == "reference" else check.current
    window = MemoryWindow(side, columns)
    if check.timestamp is None or given is None or given.window is None:
        return cast("Window", window)
    span = reference_span(window.newest(check.timestamp), given.window)
    times = window.values(check.timestamp)
    after = np.datetime64(span.after.replace(tzinfo=None), "us") if span.after else times.min()
    return cast("Window", MemoryWindow(side, take(columns, times > after), span))


def generator(null: str, split: int) -> np.random.Generator:
    """The source of chance of one split's windows: the same for every type."""
    return np.random.default_rng([SEED, list(NULLS).index(null), split])


def count_alarms(splits: Splits) -> Alarms:
    """Run the splits."""
    kind, null = TYPES[splits.type], NULLS[splits.null]
    subject = subject_of(kind)
    check = make_check(kind, _clustered(kind, subject, null), permutations=splits.permutations)
    begun = process_time()
    ours, plain = [], []
    for number in range(splits.first, splits.last):
        windows = subject.draw(null, generator(splits.null, number))
        seeded = check.model_copy(update={"seed": number})
        ours.append(p_value(seeded, windows))
        plain.append(_plain(seeded, subject, windows, p_value_of_ours=ours[-1]))
    return Alarms(
        splits=len(ours),
        alarms=_significant(ours),
        plain=_significant(plain),
        undefined=int(np.isnan(ours).sum()),
        seconds=process_time() - begun,
    )


def _clustered(kind: CheckType, subject: Subject, null: Null) -> dict[str, Any]:
    return {**subject.keys, **(null.keys if kind.clusters else {})}


def _plain(check: Check, subject: Subject, windows: tuple[Table, Table], *, p_value_of_ours: float) -> float:
    if subject.plain is not None:
        column = subject.columns[0]
        return subject.plain.p_value(windows[0][column], windows[1][column])
    if check.cluster is None:
        return p_value_of_ours  # it is the plain test
    return p_value(check.model_copy(update={"cluster": None, "block": None}), windows)


def _significant(p_values: Sequence[float]) -> int:
    return int(np.count_nonzero(np.asarray(p_values) <= ALPHA))
