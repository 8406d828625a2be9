"""Power: how often a shift of known size is found, by us and by others, on the same windows."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.cache import code_digest
from benchmarks.calibration.contests import CONTESTS, PERMUTATIONS, Contest
from benchmarks.calibration.memory import Column, Table, table
from benchmarks.calibration.rates import ALPHA
from benchmarks.calibration.splits import SEED, code_of, make_check, p_value
from benchmarks.environments import DRIFT_PEERS, python_of
from recwatch_exporter.checks.table import TYPES

_DRIVER = Path(__file__).parent / "peer_driver.py"


@dataclass(frozen=True)
class Trials:
    """One contest at every size, for one who takes part: starting another library takes seconds."""

    contest: str
    who: str
    trials: int
    permutations: int = PERMUTATIONS

    @property
    def name(self) -> str:
        words = self.contest.replace(", ", "-")
        return f"power-{words}-{self.who}-{self.trials}-{self.permutations}"

    @property
    def code(self) -> str:
        """A digest of our own code for us, of the versions for others."""
        if self.who == "recwatch":
            return code_of(CONTESTS[self.contest].type, __name__)
        modules = ("benchmarks.calibration.contests", "benchmarks.calibration.peer_driver")
        return code_digest(modules, more=" ".join(DRIFT_PEERS.get(self.who, ())))

    def run(self) -> dict[str, Any]:
        """How often each size was found, the sizes in the contest's order."""
        begun = perf_counter()
        contest = CONTESTS[self.contest]
        pairs = [
            contest.draw(shift, _generator(self.contest, number, trial))
            for number, shift in enumerate(contest.shifts)
            for trial in range(self.trials)
        ]
        found = np.reshape(_DETECTORS.get(self.who, _by_peer)(self, contest, pairs), (-1, self.trials))
        return {"detected": found.sum(axis=1).tolist(), "seconds": perf_counter() - begun}


Pairs = list[tuple[NDArray[Any], NDArray[Any]]]


def _generator(contest: str, shift: int, trial: int) -> np.random.Generator:
    """The source of chance of one pair of windows: the same for all who take part."""
    return np.random.default_rng([SEED, 1, list(CONTESTS).index(contest), shift, trial])


def _by_us(trials: Trials, contest: Contest, pairs: Pairs) -> list[bool]:
    check = make_check(TYPES[contest.type], contest.keys, permutations=trials.permutations)
    return [
        p_value(check.model_copy(update={"seed": number}), (_table(before), _table(after))) <= ALPHA
        for number, (before, after) in enumerate(pairs)
    ]


def _by_scipy(trials: Trials, contest: Contest, pairs: Pairs) -> list[bool]:  # noqa: ARG001 - as the others
    assert contest.scipy is not None
    test = contest.scipy.p_value
    return [test(Column.of(before[:, 0]), Column.of(after[:, 0])) <= ALPHA for before, after in pairs]


def _by_peer(trials: Trials, contest: Contest, pairs: Pairs) -> list[bool]:
    """A small script in the library's own environment; nothing of it is imported here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows.npz"
        before, after = (np.stack(side) for side in zip(*pairs, strict=True))
        np.savez(path, reference=before, current=after)
        command = [str(python_of(trials.who)), str(_DRIVER), contest.peers[trials.who], str(path)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return [bool(found) for found in json.loads(answer.stdout.splitlines()[-1])]


_DETECTORS = {"recwatch": _by_us, "scipy": _by_scipy}


def _table(rows: NDArray[Any]) -> Table:
    return table(**{f"f{i}": rows[:, i] for i in range(rows.shape[1])})
