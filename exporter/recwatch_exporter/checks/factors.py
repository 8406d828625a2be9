"""factors: whether two trainings of a factor model say the same of the items, whatever way round."""

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from recwatch_exporter.checks.base import Direction, FloatArray, Options
from recwatch_exporter.checks.vector_type import Compared, Stream, Terms, VectorType
from recwatch_exporter.data import Pairs
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.cosines import CosineSummary
from recwatch_exporter.statistics.directions import Directions, directions
from recwatch_exporter.statistics.procrustes import CrossProducts, cross_products, fold_of


class FactorsOptions(Options):
    """Keys of `factors`."""

    folds: Annotated[int, Field(ge=2, le=20)] = 5


def compare(stream: Stream, terms: Terms) -> Compared:
    """Mean cosine over the shared ids after alignment; reads them twice, a chunk at a time.

    Every vector is scaled to length 1 first, so that the rotation is the one that makes the mean cosine
    greatest, and a few popular items with long vectors do not decide it alone. The ids are split into folds,
    and each fold is rotated by what the others say: a rotation of d factors has d (d - 1) / 2 free numbers,
    and vectors that it was fitted to would look alike even where they have nothing in common.

    Raises:
        StatisticError: when there are too few shared ids to fix a rotation.
    """
    assert isinstance(terms.options, FactorsOptions)  # noqa: S101 - the type says so
    folds = terms.options.folds
    found = cross_products(directions(_same_width(stream())), folds, seed=terms.seed)
    if found is None or not found.rows.sum():
        left_out = 0 if found is None else found.left_out
        return Compared(statistic=float("nan"), n_compared=0, left_out=left_out, details={"shared": left_out})
    _enough(found)
    matched, unmatched = found.rotations()
    summary = CosineSummary(threshold=terms.threshold, left_out=found.left_out)
    chance = CosineSummary()
    for chunk in directions(stream()):
        fold = fold_of(chunk.ids, folds, seed=terms.seed)
        summary.add(chunk.ids, _cosines(chunk, chunk.current, matched, fold))
        chance.add(chunk.ids, _cosines(chunk, np.roll(chunk.current, 1, axis=0), unmatched, fold))
    a, b = found.matched.shape[1:]
    details: dict[str, Any] = {
        **summary.details(),
        "chance": chance.mean,
        "factors": {"reference": a, "current": b},
        "folds": folds,
    }
    return Compared(statistic=summary.mean, n_compared=summary.n, left_out=found.left_out, details=details)


def _cosines(
    chunk: Directions, current: np.ndarray[Any, Any], rotations: FloatArray, fold: np.ndarray[Any, Any]
) -> FloatArray:
    """Of each row, rotated by what the folds that it is not in say."""
    cosines = np.empty(len(fold))
    for number in np.unique(fold):
        rows = fold == number
        rotated = chunk.reference[rows].astype(np.float64) @ rotations[number]
        cosines[rows] = np.einsum("ij,ij->i", rotated, current[rows])
    return np.asarray(np.clip(cosines, -1.0, 1.0), dtype=np.float64)


def _enough(found: CrossProducts) -> None:
    width = min(found.matched.shape[1:])
    rows = int(found.rows.sum() - found.rows.max())
    if rows < width:
        raise StatisticError(
            f"{rows} shared ids cannot fix a rotation of {width} factors, which takes {width} or more: "
            "compare more items, or by type neighbours"
        )


def _same_width(chunks: Iterable[Pairs]) -> Iterable[Pairs]:
    """The chunks as they are; a width that changes on the way is told."""
    first: tuple[int, int] | None = None
    for chunk in chunks:
        width = (chunk.reference.shape[1], chunk.current.shape[1])
        first = first or width
        if width != first:
            raise StatisticError(f"vectors have {first} numbers, then {width}: write equal lengths")
        yield chunk


FACTORS = VectorType(
    name="factors",
    statistic=(
        "mean cosine between the vectors of the ids that both windows have, after the rotation that brings "
        "the two spaces closest; each id is rotated by what the other ids say"
    ),
    effect_size="the statistic",
    bad=Direction.LOW,
    null="the same model up to rotation and reflection, which are arbitrary: every cosine is 1",
    p_value=(
        "none: how much two trainings on the same data differ is not in the data; "
        "train twice with different seeds, and set the threshold below what that gives"
    ),
    source="Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31, 1966",
    default_threshold=0.8,
    lowest_threshold=-1.0,
    highest_threshold=1.0,
    retrain=False,  # it is a training that changed them
    compare=compare,
    options=FactorsOptions,
    undefined=(
        "the windows share too few ids with a vector other than nothing but zeros: compare vectors of the "
        "same things, written anew"
    ),
)
