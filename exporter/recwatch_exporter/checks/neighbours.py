"""neighbours: whether things still have the same neighbours, in whatever space."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recwatch_exporter.checks.base import Direction, Options
from recwatch_exporter.checks.vector_type import Compared, Stream, Terms, VectorType
from recwatch_exporter.data import IntArray
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.cosines import plain
from recwatch_exporter.statistics.directions import directions
from recwatch_exporter.statistics.hashing import ranks
from recwatch_exporter.statistics.nearest import Nearest, overlap

_WORST = 10
_CELLS_AT_ONCE = 2**23  # similarities of one block: 32 MiB of float32


class NeighboursOptions(Options):
    """Keys of `neighbours`."""

    k: Annotated[int, Field(ge=1, le=100)] = 10
    queries: Annotated[int, Field(ge=10, le=10_000)] = 1000


@dataclass(frozen=True)
class _Queries:
    """The vectors whose neighbours are compared, and where they come in the stream."""

    ids: NDArray[Any]
    places: IntArray
    reference: NDArray[Any]
    current: NDArray[Any]


def compare(stream: Stream, terms: Terms) -> Compared:
    """Mean overlap of the k nearest by cosine among the shared ids; reads them twice, a chunk at a time.

    Raises:
        StatisticError: when there are not more shared ids than neighbours.
    """
    assert isinstance(terms.options, NeighboursOptions)  # noqa: S101 - the type says so
    k = terms.options.k
    queries, n, left_out = _choose(stream, terms.options.queries, terms.seed)
    if queries is None:
        return Compared(statistic=float("nan"), n_compared=0, left_out=left_out, details={"shared": left_out})
    if n <= k + 1:
        raise StatisticError(
            f"{n} shared ids are too few to compare {k} neighbours of each: lower k, or compare more items"
        )
    shares = overlap(*_neighbours(stream, queries, k))
    worst = np.lexsort((ranks(queries.ids, seed=terms.seed), shares))[:_WORST]
    counts = np.bincount(np.rint(shares * k).astype(np.int64), minlength=k + 1)
    details = {
        "shared": n + left_out,
        **({"left_out": left_out} if left_out else {}),
        "k": k,
        "queries": len(shares),
        "chance": k / (n - 1),
        "std": float(shares.std()),
        "standard_error": float(shares.std(ddof=1) / np.sqrt(len(shares))),
        "worst": [{"id": plain(queries.ids[i]), "overlap": float(shares[i])} for i in worst],
        "bins": _bins(counts),
    }
    return Compared(statistic=float(shares.mean()), n_compared=n, left_out=left_out, details=details)


def _choose(stream: Stream, size: int, seed: int) -> tuple[_Queries | None, int, int]:
    """The queries, drawn by their ids' own chance; how many ids there are, and how many have no direction."""
    chosen: list[tuple[NDArray[Any], ...]] = []
    n = left_out = 0
    for chunk in directions(stream()):
        left_out += chunk.left_out
        rank, places = ranks(chunk.ids, seed=seed), np.arange(n, n + len(chunk.ids))
        n += len(chunk.ids)
        if len(rank):
            chosen.append((rank, chunk.ids, places, chunk.reference, chunk.current))
            together = tuple(np.concatenate(parts) for parts in zip(*chosen, strict=True))
            chosen = [tuple(part[np.argsort(together[0], kind="stable")[:size]] for part in together)]
    return (_Queries(*chosen[0][1:]) if chosen else None), n, left_out


def _neighbours(stream: Stream, queries: _Queries, k: int) -> tuple[IntArray, IntArray]:
    sides = (
        Nearest(queries.reference, queries.places, k),
        Nearest(queries.current, queries.places, k),
    )
    step = max(1, _CELLS_AT_ONCE // len(queries.ids))
    for chunk in directions(stream()):
        for start in range(0, len(chunk.ids), step):
            sides[0].add(chunk.reference[start : start + step])
            sides[1].add(chunk.current[start : start + step])
    return sides[0].neighbours, sides[1].neighbours


def _bins(counts: IntArray) -> dict[str, Any]:
    """How many queries share 0..k neighbours; a large k in steps."""
    step = -(-len(counts) // 40)
    groups = [counts[start : start + step] for start in range(0, len(counts), step)]
    labels = [
        f"{number * step} to {number * step + len(group) - 1}" if len(group) > 1 else f"{number * step}"
        for number, group in enumerate(groups)
    ]
    return {"labels": labels, "current": [float(group.sum() / counts.sum()) for group in groups]}


NEIGHBOURS = VectorType(
    name="neighbours",
    statistic=(
        "mean share of the k nearest neighbours, by cosine among the ids that both windows have, that an id "
        "keeps"
    ),
    effect_size="the statistic",
    bad=Direction.LOW,
    null="the same neighbours, in whatever space: every share is 1",
    p_value=(
        "none: how much two trainings on the same data differ is not in the data; "
        "train twice with different seeds, and set the threshold below what that gives"
    ),
    source=(
        "Wendlandt, Kummerfeld and Mihalcea, Factors influencing the surprising instability of word "
        "embeddings, NAACL 2018, section 3"
    ),
    default_threshold=0.2,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    retrain=False,  # it is a training that changed them
    compare=compare,
    options=NeighboursOptions,
    undefined=(
        "the windows share too few ids with a vector other than nothing but zeros: compare vectors of the "
        "same things, written anew"
    ),
)
