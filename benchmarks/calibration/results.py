"""What was measured, as `results.json` keeps it; docs/calibration.md is made from it alone."""

import json
import platform
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.calibration.contests import CONTESTS
from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.rates import Rate, as_powerful

FILE = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class FalseAlarms:
    """One type on one kind of data without drift.

    Attributes:
        splits: how many pairs of windows.
        alarms: of the check.
        plain: of the plain test, `plain_name`.
        undefined: pairs for which the check had no p-value.
        permutations: of each p-value.
        milliseconds: of CPU time that a pair took, both tests and the making of the windows together.
    """

    type: str
    null: str
    splits: int
    alarms: int
    plain: int
    plain_name: str
    undefined: int
    permutations: int
    milliseconds: float

    @property
    def rate(self) -> Rate:
        """Of the check."""
        return Rate(self.alarms, self.splits)

    @property
    def plain_rate(self) -> Rate:
        """Of the plain test."""
        return Rate(self.plain, self.splits)


@dataclass(frozen=True)
class Power:
    """One contest at one size: detections by who takes part, all on the same windows."""

    contest: str
    shift: float
    trials: int
    detected: Mapping[str, int]

    def rate(self, who: str) -> Rate:
        """How often they found the shift."""
        return Rate(self.detected[who], self.trials)

    def best_peer(self, peers: Iterable[str]) -> str | None:
        """Which of some peers found it most often; None without any."""
        return max(
            (who for who in peers if who in self.detected), key=lambda who: self.detected[who], default=None
        )


@dataclass(frozen=True)
class Results:
    """All of it.

    Attributes:
        versions: of what took part.
        seed: from which all windows are drawn.
    """

    seed: int
    versions: Mapping[str, str]
    false_alarms: tuple[FalseAlarms, ...] = ()
    power: tuple[Power, ...] = field(default=())

    def rivals(self, contest: str) -> tuple[str, ...]:
        """The peers of a contest whose false alarms are not certainly too many.

        Power that is bought with false alarms is none.
        """
        silent = next(item for item in self.power if item.contest == contest and item.shift == 0)
        return tuple(who for who in silent.detected if who != "recwatch" and not silent.rate(who).too_many)

    def behind(self) -> list[Power]:
        """Where our power is more than two standard errors below the best peer's."""
        found = []
        for item in self.power:
            best = item.best_peer(self.rivals(item.contest))
            if item.shift and best and not as_powerful(item.rate("recwatch"), item.rate(best)):
                found.append(item)
        return found

    def of(self, types: Collection[str]) -> "Results":
        """These without types and contests that are no more, in the order of `types` and of the contests."""
        order = list(types)
        kept = [item for item in self.false_alarms if item.type in order]
        kept.sort(key=lambda item: (order.index(item.type), list(NULLS).index(item.null)))
        contests = list(CONTESTS)
        power = [item for item in self.power if item.contest in contests]
        power.sort(key=lambda item: (contests.index(item.contest), item.shift))
        return replace(self, false_alarms=tuple(kept), power=tuple(power))

    def merged(self, newer: "Results") -> "Results":
        """These, with what is newer in their place."""
        alarms = {(item.type, item.null): item for item in (*self.false_alarms, *newer.false_alarms)}
        power = {(item.contest, item.shift): item for item in (*self.power, *newer.power)}
        return Results(newer.seed, newer.versions, tuple(alarms.values()), tuple(power.values()))


def versions(peers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Of Python, of what we calculate with, and of the peers."""
    ours = {name: version(name) for name in ("numpy", "scipy")}
    theirs = {name: pinned[0].partition("==")[2] for name, pinned in peers.items()}
    return {"Python": platform.python_version(), **ours, **theirs}


def read(path: Path = FILE) -> Results | None:
    """What is stored; None where nothing is."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    alarms = tuple(FalseAlarms(**item) for item in found["false_alarms"])
    return Results(found["seed"], found["versions"], alarms, tuple(Power(**item) for item in found["power"]))


def write(results: Results, path: Path = FILE) -> None:
    """Store them, one measurement a line."""
    kept = asdict(results)

    def lines(items: list[dict[str, Any]]) -> str:
        return ",\n".join(f"    {json.dumps(item)}" for item in items)

    path.write_text(
        f'{{\n  "seed": {kept["seed"]},\n  "versions": {json.dumps(kept["versions"])},\n'
        f'  "false_alarms": [\n{lines(kept["false_alarms"])}\n  ],\n'
        f'  "power": [\n{lines(kept["power"])}\n  ]\n}}\n',
        encoding="utf-8",
    )
