"""classifier: whether the windows can be told apart row by row, and by which features."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recwatch_exporter.checks.base import Direction, FloatArray, Frozen, Options
from recwatch_exporter.checks.sample_type import Sampled, SampleTerms, SampleType
from recwatch_exporter.data import Rows, Sample
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.auc import auc
from recwatch_exporter.statistics.basis import Basis, basis
from recwatch_exporter.statistics.discriminant import Discriminant, folds_of
from recwatch_exporter.statistics.exposure import frozen_slots, slots_of
from recwatch_exporter.statistics.marginals import most
from recwatch_exporter.statistics.permutation import permutation_test
from recwatch_exporter.statistics.thinning import (
    Clustered,
    heaviest,
    of_one_kind,
    same_share,
    whole_clusters,
)
from recwatch_exporter.statistics.units import Units, said_of, units_of_clusters

_BINS = 20


class ClassifierOptions(Options):
    """Keys of `classifier`."""

    sample_rows: Annotated[int, Field(ge=100, le=20_000)] = 2500
    folds: Annotated[int, Field(ge=2, le=20)] = 5


@dataclass(frozen=True)
class _Both:
    """Rows of both windows, in an order that has nothing to do with the windows.

    Attributes:
        values: (rows, columns).
        unit: (rows,) what each row is permuted with.
        units: what is permuted.
        whole: whether units are clusters.
        timed: whether they are cut into slots of time.
    """

    values: FloatArray
    unit: NDArray[np.intp]
    units: Units
    whole: bool
    timed: bool = False


def freeze(rows: Rows, terms: SampleTerms) -> Frozen:
    """A bounded sample of rows, or of whole clusters."""
    sample = _take(rows, terms, seed=2 * terms.seed)
    frozen: dict[str, NDArray[Any]] = {
        "rows": np.asarray(rows.n),
        "left_out": np.asarray(rows.left_out),
        "sample": sample.values,
    }
    if isinstance(sample, Clustered):
        frozen |= {"clusters": sample.clusters, "ranks": sample.ranks, "below": np.asarray(sample.below)}
        frozen |= frozen_slots(sample.slots)
    return frozen


def compare(frozen: Frozen, rows: Rows, terms: SampleTerms) -> Sampled:
    """Cross-validated AUC, and the share of permutations with one as large.

    Every permutation trains anew, on every fold: labels that are permuted after the training would be held
    against scores that know the true ones, and p-values would be too small (Ojala and Garriga, Permutation
    tests for studying classifier performance, JMLR 11, 2010, test 1; Golland and Fischl, 2003).

    Raises:
        StatisticError: when rows have another number of columns, or there are fewer clusters than folds.
    """
    assert isinstance(terms.options, ClassifierOptions)  # noqa: S101 - the type says so
    if min(int(frozen["rows"]), rows.n) <= 1:
        return Sampled(statistic=float("nan"), p_value=None)
    if rows.dimensions != frozen["sample"].shape[1]:
        raise StatisticError(
            f"rows have {frozen['sample'].shape[1]} numbers in the reference and {rows.dimensions} in the "
            "current window: compare the same columns"
        )
    rng = np.random.default_rng([terms.seed, 4])
    both = _both(frozen, _take(rows, terms, seed=2 * terms.seed + 1), terms, rng)
    # The units of a cluster stay together: a fold must not be judged by what knows a part of it.
    fold = folds_of(_cluster_of(both), min(terms.options.folds, both.units.clusters), rng)
    functions = basis(both.values)
    model = Discriminant(functions.values, fold)

    def statistic(labels: FloatArray) -> FloatArray:
        by_row = labels[:, both.unit]
        return auc(by_row, model.scores(by_row), fold)

    observed = float(statistic(both.units.observed)[0])
    if np.isnan(observed):
        raise StatisticError("no fold holds clusters of both windows: widen the windows, or lower folds")
    draws = ((1 - labels, labels) for labels in _guarded(both.units, terms))
    chance = permutation_test(observed, draws, lambda _, labels: statistic(labels), Direction.HIGH)
    details = _details(both, fold, functions, model, terms)
    return Sampled(
        statistic=observed, p_value=chance.p_value, details={**details, "null_mean": chance.null_mean}
    )


def _guarded(units: Units, terms: SampleTerms) -> Iterator[FloatArray]:
    for labels in units.draw(terms.permutations, np.random.default_rng([terms.seed, 3])):
        for start in range(0, len(labels), 100):
            terms.go_on()
            yield labels[start : start + 100]


def _take(rows: Rows, terms: SampleTerms, *, seed: int) -> Sample | Clustered:
    size = _size(terms)
    if terms.clustered:
        return whole_clusters(_go_on(rows, terms), rows.dimensions, size=size, seed=terms.seed)
    sample = rows.sample(size, seed=seed)
    return Sample(sample.values.reshape(len(sample.values), rows.dimensions))


def _size(terms: SampleTerms) -> int:
    assert isinstance(terms.options, ClassifierOptions)  # noqa: S101 - the type says so
    return terms.options.sample_rows


def _go_on(rows: Rows, terms: SampleTerms) -> Iterator[Sample]:
    for batch in rows.batches():
        terms.go_on()
        yield batch


def _both(frozen: Frozen, current: Sample | Clustered, terms: SampleTerms, rng: np.random.Generator) -> _Both:
    if not isinstance(current, Clustered):
        values = np.concatenate([frozen["sample"], current.values])
        order = rng.permutation(len(values))
        side = order >= len(frozen["sample"])
        units = Units.alone(np.ones(len(values)), side)
        return _Both(values[order], np.arange(len(values)), units, whole=False)
    clusters, _ = of_one_kind(frozen["clusters"], current.clusters)
    reference = Clustered(
        frozen["sample"], clusters, frozen["ranks"], float(frozen["below"]), slots_of(frozen)
    )
    heavy = heaviest(_size(terms))
    reference = reference.lightened(heavy, seed=terms.seed)  # slots may have become longer since
    reference, current = same_share(reference, current)
    units, unit = units_of_clusters(reference.clusters, current.clusters, (reference.slots, current.slots))
    values = np.concatenate([reference.values, current.values])
    order = rng.permutation(len(values))
    timed = reference.slots is not None or current.slots is not None
    return _Both(values[order], unit[order], units, whole=True, timed=timed)


def _cluster_of(both: _Both) -> NDArray[np.intp]:
    """(rows,) the same number for all units of a cluster, without gaps."""
    return np.asarray(np.unique(both.units.cluster[both.unit], return_inverse=True)[1], dtype=np.intp)


def _details(
    both: _Both, fold: NDArray[np.int64], functions: Basis, model: Discriminant, terms: SampleTerms
) -> dict[str, Any]:
    labels = both.units.observed[:, both.unit]
    scores = model.scores(labels)[0]
    details: dict[str, Any] = {
        "sample": {
            "reference": int((labels == 0).sum()),
            "current": int((labels == 1).sum()),
        },
        "folds": int(fold.max()) + 1,
        "features": most(
            terms.names(both.values.shape[1]), _importance(labels[0], fold, functions, model, terms)
        ),
        "bins": _picture(scores, labels[0]),
    }
    if both.whole:
        details |= said_of(both.units, terms.alpha, terms.permutations, timed=both.timed)
    return details


def _importance(
    labels: FloatArray, fold: NDArray[np.int64], functions: Basis, model: Discriminant, terms: SampleTerms
) -> FloatArray:
    """How much AUC a column's values are worth: what is lost when they change places within a fold.

    Permutation importance on rows that the model has not seen (Breiman, Random forests, 2001, section 10).
    """
    rng = np.random.default_rng([terms.seed, 5])
    order = np.arange(len(labels))
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        order[rows] = rng.permutation(rows)
    weights = [each[:, 0] for each in model.weights(labels[None])]
    scores = np.empty(len(labels))
    for number, weight in enumerate(weights):
        rows = fold == number
        scores[rows] = functions.values[rows] @ weight
    columns = functions.first.shape[1]
    changed = np.empty((columns, len(labels)))
    for column in range(columns):
        terms.go_on()
        for number, weight in enumerate(weights):
            rows = fold == number
            changed[column, rows] = (scores + functions.change(column, order, weight))[rows]
    whole = auc(labels[None], scores[None], fold)
    lost = [float(whole[0] - auc(labels[None], changed[column][None], fold)[0]) for column in range(columns)]
    return np.maximum(np.asarray(lost, dtype=np.float64), 0.0, dtype=np.float64)


def _picture(scores: FloatArray, labels: FloatArray) -> dict[str, Any]:
    """How rows of either window score: low like the reference, high like the current one."""
    edges = np.linspace(scores.min(), scores.max() + 1e-9, _BINS + 1)
    shares = [np.histogram(scores[labels == side], bins=edges)[0] for side in (0, 1)]
    return {
        "labels": [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)],
        "reference": (shares[0] / max(1, shares[0].sum())).tolist(),
        "current": (shares[1] / max(1, shares[1].sum())).tolist(),
    }


CLASSIFIER = SampleType(
    name="classifier",
    statistic=(
        "cross-validated area under the ROC curve of a classifier that tells the windows apart, row by row, "
        "whole clusters in one fold"
    ),
    effect_size="the statistic",
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value=(
        "share of permutations of the clusters with an area at least as large, the classifier trained anew "
        "on each"
    ),
    source=(
        "Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017; Ojala and Garriga, "
        "Permutation tests for studying classifier performance, JMLR 11, 2010"
    ),
    default_threshold=0.6,
    lowest_threshold=0.5,
    highest_threshold=1.0,
    freeze=freeze,
    compare=compare,
    options=ClassifierOptions,
    undefined=(
        "a window holds too few rows without missing or non-finite values, or too few clusters: take a "
        "longer window, or choose other columns"
    ),
)
