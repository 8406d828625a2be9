"""mmd: whether rows of numbers, all columns together, come from another distribution than before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recwatch_exporter.checks.base import Direction, FloatArray, Frozen, Options
from recwatch_exporter.checks.sample_type import Sampled, SampleTerms, SampleType
from recwatch_exporter.data import Rows, Sample
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.discrepancy import Dense, Gram, Mapped, SquaredDiscrepancy
from recwatch_exporter.statistics.exposure import frozen_slots, slots_of
from recwatch_exporter.statistics.fourier import FourierMap
from recwatch_exporter.statistics.hashing import plain_ids
from recwatch_exporter.statistics.kernels import median_distance, rbf
from recwatch_exporter.statistics.marginals import distances, most, picture
from recwatch_exporter.statistics.permutation import permutation_test
from recwatch_exporter.statistics.scaling import Scale
from recwatch_exporter.statistics.sums import (
    BlockSums,
    ClusterSums,
    Space,
    block_sums,
    cluster_sums,
)
from recwatch_exporter.statistics.thinning import of_one_kind, same_share
from recwatch_exporter.statistics.units import Units, said_of, units_of_clusters

_BLOCKS = 512
_MOST_BLOCKS = 4096
_FEWEST_BLOCKS = 32
_MOST_CLUSTERS = 8192
_FOR_BANDWIDTH = 2000


class MmdOptions(Options):
    """Keys of `mmd`."""

    scale: Literal["auto", "column", "none"] = "auto"
    exact_rows: Annotated[int, Field(ge=100, le=20_000)] = 5000
    frequencies: Annotated[int, Field(ge=16, le=4096)] = 512


@dataclass(frozen=True)
class _Test:
    """What is permuted, and the statistic of a permutation."""

    method: str
    gram: Gram
    units: Units
    whole: bool
    timed: bool = False


def freeze(rows: Rows, terms: SampleTerms) -> Frozen:
    """A sample, scale and bandwidth; where the sample is not all rows, sums by block or cluster.

    Raises:
        StatisticError: when all rows are the same.
    """
    options = _options(terms)
    sample = rows.sample(options.exact_rows, seed=2 * terms.seed)
    values = sample.values.reshape(len(sample.values), rows.dimensions)
    each = options.scale == "column" or (options.scale == "auto" and len(terms.columns) > 1)
    scale = Scale.of(values, each=each)
    bandwidth = median_distance(scale.apply(values[:_FOR_BANDWIDTH]))
    if rows.n > 1 and np.isnan(bandwidth):
        raise StatisticError(
            "all rows of the reference are the same, so no distance is far: choose other columns"
        )
    frozen: dict[str, NDArray[Any]] = {
        "rows": np.asarray(rows.n),
        "left_out": np.asarray(rows.left_out),
        "sample": values,
        "centre": scale.centre,
        "unit": scale.unit,
        "bandwidth": np.asarray(bandwidth),
    }
    if sample.clusters is not None:
        frozen["sample_clusters"] = plain_ids(sample.clusters)
        frozen |= frozen_slots(sample.slots, "sample_slots")
    if rows.n <= options.exact_rows:
        return frozen
    if sample.clusters is not None:
        return frozen | _frozen_clusters(
            cluster_sums(_go_on(rows, terms), _space(frozen, terms), limit=_MOST_CLUSTERS, seed=terms.seed)
        )
    rng = np.random.default_rng([terms.seed, 1])
    blocks = block_sums(_go_on(rows, terms), rows.n, max(1, rows.n // _BLOCKS), _space(frozen, terms), rng)
    return frozen | {
        "block_size": np.asarray(blocks.size),
        "block_sums": blocks.sums.astype(np.float32),
        "rest": blocks.rest,
        "rest_rows": np.asarray(blocks.rest_rows),
    }


def compare(frozen: Frozen, rows: Rows, terms: SampleTerms) -> Sampled:
    """Squared MMD, and the share of permutations with one as large.

    Raises:
        StatisticError: when rows have another number of columns, or a window has but one cluster.
    """
    n = int(frozen["rows"])
    if min(n, rows.n) <= 1:
        return Sampled(statistic=float("nan"), p_value=None)
    if rows.dimensions != frozen["sample"].shape[1]:
        raise StatisticError(
            f"rows have {frozen['sample'].shape[1]} numbers in the reference and {rows.dimensions} in the "
            "current window: compare the same columns"
        )
    sample = rows.sample(_options(terms).exact_rows, seed=2 * terms.seed + 1)
    test = _choose(frozen, rows, sample, terms)
    statistic = SquaredDiscrepancy(test.gram, test.units, whole=test.whole)
    observed = float(statistic(test.units.observed)[0])
    if np.isnan(observed):
        raise StatisticError("a window has fewer than two clusters: permuting them says nothing; widen it")
    draws = ((1 - labels, labels) for labels in _guarded(test.units, terms))
    chance = permutation_test(observed, draws, lambda _, labels: statistic(labels), Direction.HIGH)
    return Sampled(
        statistic=observed,
        p_value=chance.p_value,
        effect_size=float(statistic.share(test.units.observed)[0]),
        details=_details(frozen, sample, test, terms),
    )


def _options(terms: SampleTerms) -> MmdOptions:
    assert isinstance(terms.options, MmdOptions)  # noqa: S101 - the type says so
    return terms.options


def _guarded(units: Units, terms: SampleTerms) -> Iterator[FloatArray]:
    for labels in units.draw(terms.permutations, np.random.default_rng([terms.seed, 3])):
        terms.go_on()
        yield labels


def _choose(frozen: Frozen, rows: Rows, sample: Sample, terms: SampleTerms) -> _Test:
    """Exact on few rows, by Fourier sums on many, on samples where the windows differ too much."""
    n, exact_rows = int(frozen["rows"]), _options(terms).exact_rows
    if n + rows.n <= exact_rows:
        return _exact(frozen, sample, "exact")
    if sample.clusters is not None:
        return _by_cluster(frozen, rows, terms)
    ratio = _MOST_BLOCKS // _FEWEST_BLOCKS // 4
    if max(n, rows.n) > ratio * min(n, rows.n):
        taken = sample.values[: min(rows.n, max(exact_rows // 2, exact_rows - n))]
        return _exact(frozen, Sample(taken), "exact, on samples", exact_rows - len(taken))
    return _by_block(frozen, rows, terms)


def _exact(frozen: Frozen, current: Sample, method: str, most_rows: int | None = None) -> _Test:
    scale = Scale(frozen["centre"], frozen["unit"])
    reference = frozen["sample"][:most_rows]
    values = scale.apply(np.concatenate([reference, current.values]))
    kernel = rbf(values, values, float(frozen["bandwidth"]))
    np.fill_diagonal(kernel, 1.0)
    if current.clusters is None:
        side = np.arange(len(values)) >= len(reference)
        return _Test(method, Dense(kernel), Units.alone(np.ones(len(values)), side), whole=False)
    slots = (slots_of(frozen, "sample_slots"), current.slots)
    units, unit = units_of_clusters(*of_one_kind(frozen["sample_clusters"], current.clusters), slots)
    return _Test(method, Dense(kernel, unit), units, whole=True, timed=slots != (None, None))


def _by_block(frozen: Frozen, rows: Rows, terms: SampleTerms) -> _Test:
    space = _space(frozen, terms)
    if "block_sums" in frozen:
        reference = BlockSums(
            int(frozen["block_size"]),
            frozen["block_sums"].astype(np.float64),
            frozen["rest"],
            int(frozen["rest_rows"]),
        )
    else:
        n = len(frozen["sample"])
        rng = np.random.default_rng([terms.seed, 1])
        reference = block_sums([Sample(frozen["sample"])], n, max(1, n // _BLOCKS), space, rng)
    reference = reference.merged(max(1, -(-rows.n // (reference.size * _MOST_BLOCKS))))
    rng = np.random.default_rng([terms.seed, 2])
    current = block_sums(_go_on(rows, terms), rows.n, reference.size, space, rng)
    sums = np.concatenate([reference.sums, current.sums, reference.rest[None], current.rest[None]])
    side = np.repeat([False, True, False, True], [len(reference.sums), len(current.sums), 1, 1])
    fixed = np.arange(len(sums)) >= len(sums) - 2
    sizes = np.where(fixed, 0.0, reference.size)
    sizes[-2:] = reference.rest_rows, current.rest_rows
    units = Units.alone(sizes, side, fixed)
    return _Test("random Fourier features, by block", Mapped(sums), units, whole=False)


def _by_cluster(frozen: Frozen, rows: Rows, terms: SampleTerms) -> _Test:
    space = _space(frozen, terms)
    limit: dict[str, Any] = {"limit": _MOST_CLUSTERS, "seed": terms.seed}
    if "cluster_sums" in frozen:
        reference = ClusterSums(
            plain_ids(frozen["cluster_ids"]),
            frozen["cluster_ranks"],
            frozen["cluster_rows"],
            frozen["cluster_sums"].astype(np.float64),
            float(frozen["cluster_below"]),
            slots_of(frozen, "cluster_slots"),
        )
    else:
        whole = Sample(frozen["sample"], frozen["sample_clusters"], slots_of(frozen, "sample_slots"))
        reference = cluster_sums([whole], space, **limit)
    current = cluster_sums(_go_on(rows, terms), space, **limit)
    of_one_kind(reference.clusters, current.clusters)
    reference, current = same_share(reference, current)
    slots = (reference.slots, current.slots)
    rows_of = np.concatenate([reference.rows, current.rows])
    units, unit = units_of_clusters(reference.clusters, current.clusters, slots, rows_of)
    # Slots may have become longer since they were summed up: several sums then make a unit.
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(unit[order]) > 0][: len(order)])
    sums = np.add.reduceat(np.concatenate([reference.sums, current.sums])[order], starts, axis=0)
    timed = slots != (None, None)
    return _Test("random Fourier features, by cluster", Mapped(sums), units, whole=True, timed=timed)


def _frozen_clusters(found: ClusterSums) -> dict[str, NDArray[Any]]:
    return {
        "cluster_ids": found.clusters,
        "cluster_ranks": found.ranks,
        "cluster_rows": found.rows,
        "cluster_sums": found.sums.astype(np.float32),
        "cluster_below": np.asarray(found.below),
        **frozen_slots(found.slots, "cluster_slots"),
    }


def _space(frozen: Frozen, terms: SampleTerms) -> Space:
    return Space(
        Scale(frozen["centre"], frozen["unit"]),
        FourierMap(
            frozen["sample"].shape[1],
            _options(terms).frequencies,
            float(frozen["bandwidth"]),
            seed=terms.seed,
        ),
    )


def _go_on(rows: Rows, terms: SampleTerms) -> Iterator[Sample]:
    for batch in rows.batches():
        terms.go_on()
        yield batch


def _details(frozen: Frozen, sample: Sample, test: _Test, terms: SampleTerms) -> dict[str, Any]:
    reference, current = frozen["sample"], sample.values
    moved = distances(reference, current)
    names = terms.names(reference.shape[1])
    first = int(np.argmax(moved))
    details: dict[str, Any] = {
        "method": test.method,
        "bandwidth": float(frozen["bandwidth"]),
        "units": len(test.units.rows),
        "features": most(names, moved),
        "bins": picture(reference[:, first], current[:, first]),
        "bins_of": names[first],
    }
    if test.whole:
        details |= said_of(test.units, terms.alpha, terms.permutations, timed=test.timed)
    return details


MMD = SampleType(
    name="mmd",
    statistic=(
        "squared maximum mean discrepancy of all columns together, unbiased, with a Gaussian kernel whose "
        "bandwidth is the median distance of the reference's rows"
    ),
    effect_size=(
        "the root of the statistic over what it would be if no row were near any of the other window: 0 for "
        "the same distribution, 1 for two that have nothing in common"
    ),
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a discrepancy at least as large",
    source=(
        "Gretton, Borgwardt, Rasch, Schölkopf and Smola, A kernel two-sample test, JMLR 13, 2012, equation "
        "3; Rahimi and Recht, Random features for large-scale kernel machines, NIPS 2007"
    ),
    default_threshold=0.05,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    freeze=freeze,
    compare=compare,
    options=MmdOptions,
    undefined=(
        "a window holds too few rows without missing or non-finite values, or too few clusters: take a "
        "longer window, or choose other columns"
    ),
)
