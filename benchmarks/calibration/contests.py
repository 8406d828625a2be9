"""Shifts of known size, and who else has a test for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.calibration.memory import Column
from benchmarks.calibration.plain import CHI2, KS, WELCH, PlainTest
from recwatch_exporter.checks.base import FloatArray

Draw = Callable[[float, np.random.Generator], tuple[NDArray[Any], NDArray[Any]]]
"""Two windows, (rows, columns), the current one shifted by so much."""


@dataclass(frozen=True)
class Contest:
    """One check type against the same test of others.

    Attributes:
        type: whose power.
        words: what is shifted, and how sizes are counted.
        keys: what the check says in drift.yml; its columns are `f0`, `f1` and so on.
        shifts: sizes, 0 first: there an alarm is a false one.
        draw: the windows.
        peers: by library, the name of its test in `peer_driver.py`.
        scipy: its test, where it has one.
        trials: pairs of windows for each size.
    """

    type: str
    words: str
    keys: Mapping[str, Any]
    shifts: tuple[float, ...]
    draw: Draw
    peers: Mapping[str, str] = field(default_factory=dict)
    scipy: PlainTest | None = None
    trials: int = 500

    @property
    def everybody(self) -> tuple[str, ...]:
        """Who takes part."""
        return ("recwatch", *(("scipy",) if self.scipy else ()), *self.peers)


PERMUTATIONS = 999
"""Of our p-values, as by default, and of those of others that permute where they let one choose."""

_ROWS = (200, 180)
"""Of one column. Of 200 against 200 the KS distance takes so few values that an exact p-value alarms in 4 %
of cases where nothing has changed, and an asymptotic one in 6 %, which looks like power."""


def _normal(rows: tuple[int, int], columns: int) -> Draw:
    def draw(shift: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        reference, current = (rng.standard_normal((number, columns)) for number in rows)
        return reference, current + shift

    return draw


def _spread(rows: tuple[int, int], columns: int) -> Draw:
    def draw(shift: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        reference, current = (rng.standard_normal((number, columns)) for number in rows)
        return reference, current * (1 + shift)

    return draw


def _categories(shift: float, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    before = 1 / np.arange(1, 9)
    before /= before.sum()
    after = (1 - shift) * before + shift * before[::-1]
    reference, current = (
        rng.choice(8, size=(number, 1), p=share) for number, share in zip(_ROWS, (before, after), strict=True)
    )
    return reference, current


def _permuted_wasserstein(reference: Column, current: Column) -> float:
    found = stats.permutation_test(
        (reference.values, current.values),
        stats.wasserstein_distance,
        n_resamples=PERMUTATIONS,
        alternative="greater",
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


_MEANS = (0.0, 0.1, 0.2, 0.3, 0.4)
_SPREADS = (0.0, 0.2, 0.4, 0.6, 0.8)
_ONE = {"column": "f0"}
_FIVE = {"columns": [f"f{i}" for i in range(5)]}
_CLASSIFIERS = {"alibi-detect": "alibi-classifier", "evidently": "evidently-classifier"}
_KS_PEERS = {"alibi-detect": "alibi-ks", "evidently": "evidently-ks"}


def _mean(kind: str, peers: Mapping[str, str], scipy: PlainTest | None = None, trials: int = 500) -> Contest:
    """One normal column whose mean moves."""
    words = "normal, 200 rows against 180; the mean moved by so many standard deviations"
    return Contest(kind, words, _ONE, _MEANS, _normal(_ROWS, 1), peers, scipy, trials)


def _means(kind: str, peers: Mapping[str, str], trials: int) -> Contest:
    """Five normal columns whose means move together."""
    words = "five normal columns, 100 rows against 100; every mean moved by so many standard deviations"
    return Contest(kind, words, _FIVE, _MEANS, _normal((100, 100), 5), peers, trials=trials)


_WASSERSTEIN = PlainTest("scipy.stats.permutation_test of wasserstein_distance", _permuted_wasserstein)

CONTESTS: Mapping[str, Contest] = MappingProxyType(
    {
        "ks, mean": _mean("ks", _KS_PEERS, KS),
        "ks, spread": Contest(
            "ks",
            "normal, 200 rows against 180; the standard deviation greater by such a share",
            _ONE,
            _SPREADS,
            _spread(_ROWS, 1),
            _KS_PEERS,
            KS,
        ),
        "wasserstein, mean": _mean("wasserstein", {}, _WASSERSTEIN, trials=300),
        "moments, mean": _mean("moments", {"evidently": "evidently-t"}, WELCH),
        "chi2, shares": Contest(
            "chi2",
            "eight categories, 200 rows against 180; such a share of the rows from the reversed distribution",
            _ONE,
            _MEANS,
            _categories,
            {"alibi-detect": "alibi-chi2", "evidently": "evidently-chi2"},
            CHI2,
        ),
        "mmd, mean": _means("mmd", {"alibi-detect": "alibi-mmd", "evidently": "evidently-mmd"}, 300),
        "classifier, mean": _means("classifier", _CLASSIFIERS, 200),
        "classifier, spread": Contest(
            "classifier",
            "five normal columns, 100 rows against 100; every standard deviation greater by such a share",
            _FIVE,
            _SPREADS,
            _spread((100, 100), 5),
            _CLASSIFIERS,
            trials=200,
        ),
    }
)
