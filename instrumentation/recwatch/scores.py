"""What a list of recommendations is like: how near to the user's taste, how diverse, how alike two orders.

The functions are pure and take arrays; `Scores` computes them in the recorder's thread, off a request's path.
Needs the extra `scores`.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.extras import lacking
from recwatch.histogram import observe_all
from recwatch.metrics import DroppedWrites, ServingMetrics
from recwatch.turns import SHORT_TURNS

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[scores]") from error

if TYPE_CHECKING:
    from recwatch.serving import RecommenderRequest

__all__ = ["Embeddings", "Scores", "content_score", "diversity", "semantic_alignment", "unit_vectors"]

Vectors: TypeAlias = NDArray[np.float64]
Embeddings: TypeAlias = Mapping[Any, ArrayLike] | Callable[[Sequence[Any]], ArrayLike]
"""Item id to vector; or n ids to an array of shape `(n, d)`, a row of NaN for an id that is unknown."""

_TARGET = "scores"
# So many requests are scored at once: their vectors stay in the processor's cache.
_MOST_AT_ONCE = 64
_FEWEST_PAIRS = 2


def unit_vectors(vectors: ArrayLike) -> Vectors:
    """Rows of length 1.

    Args:
        vectors: shape `(n, d)`.

    Returns:
        Shape `(k, d)`, k <= n: a row without a direction (zero, NaN or infinite) is left out.

    Raises:
        ValueError: the array has not two dimensions.
    """
    units, usable = _units(vectors)
    return units[usable]


def content_score(items: ArrayLike, recent: ArrayLike) -> float | None:
    """Mean cosine of each returned item with each of the user's recent items.

    The mean of the n * m cosines is the product of the two sums of unit vectors by n * m: O((n + m) * d).

    Args:
        items: embeddings of the returned items, shape `(n, d)`.
        recent: embeddings of the user's recent items, shape `(m, d)`.

    Returns:
        Between -1 and 1; None where either side has no vector with a direction.
    """
    first, second = unit_vectors(items), unit_vectors(recent)
    if not len(first) or not len(second):
        return None
    return _mean_cosine(float(first.sum(axis=0) @ second.sum(axis=0)), len(first), len(second))


def diversity(items: ArrayLike) -> float | None:
    """Mean pairwise cosine distance, 1 - cosine, of the returned items: how unlike each other they are.

    The intra-list distance of Zhang and Hurley, "Avoiding Monotony: Improving the Diversity of Recommendation
    Lists", RecSys 2008. For unit vectors u, |sum u|^2 is n plus the cosines of all ordered pairs, so the mean
    takes O(n * d), not O(n^2 * d).

    Args:
        items: embeddings, shape `(n, d)`; those without a direction are left out.

    Returns:
        Between 0 (all alike) and 2; None for fewer than two items.
    """
    units = unit_vectors(items)
    total = units.sum(axis=0)
    return _mean_distance(float(total @ total), len(units))


def semantic_alignment(collaborative: ArrayLike, content: ArrayLike) -> float | None:
    """Spearman's rank correlation of the candidates' two orders; equal scores share the mean of their ranks.

    After Spearman, "The Proof and Measurement of Association between Two Things", 1904: Pearson's correlation
    of the ranks.

    Args:
        collaborative: scores by the collaborative model, shape `(n,)`.
        content: scores by content of the same candidates, shape `(n,)`; pairs with a NaN are left out.

    Returns:
        Between -1 and 1; None for fewer than two pairs and where one order is constant.

    Raises:
        ValueError: the shapes differ or are not of one dimension.
    """
    first, second = np.asarray(collaborative, dtype=float), np.asarray(content, dtype=float)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"shapes {first.shape} and {second.shape}: give both scores of each candidate, in the same order"
        )
    known = ~(np.isnan(first) | np.isnan(second))
    if int(known.sum()) < _FEWEST_PAIRS:
        return None
    ranks = _centred_ranks(first[known]), _centred_ranks(second[known])
    spread = sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1]))
    return None if spread == 0.0 else _clipped(float(ranks[0] @ ranks[1]) / spread)


class Scores:
    """A consumer of `recwatch.recorder.Recorder` that scores each request's list; put it first.

    It sets `content_score`, `semantic_alignment` and `diversity` on the request for the consumers that
    follow, and observes them, and the model's scores of the returned items, as histograms. Scores of a
    fallback are not the model's and are not observed.

    Args:
        embeddings: of items; a mapping, or a callable that looks ids up in whatever model is in service.
            Items without an embedding are left out. None: no content score, no diversity.
        registry: where the metrics are kept.
    """

    name = _TARGET

    def __init__(
        self, embeddings: Embeddings | None = None, *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._embeddings = embeddings
        self._metrics = ServingMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect(_TARGET, "error", "not_finite")

    def take(self, requests: "Sequence[RecommenderRequest]") -> None:
        """Score a batch; a request that cannot be scored is counted and left as it is."""
        for begin in range(0, len(requests), _MOST_AT_ONCE):
            chunk = requests[begin : begin + _MOST_AT_ONCE]
            # Milliseconds of computing each: requests under way must not wait so long for the interpreter.
            with SHORT_TURNS:
                self._score(chunk)

    def close(self) -> None:
        """Nothing is held open."""

    def _score(self, requests: "Sequence[RecommenderRequest]") -> None:
        self._compare_vectors(requests)
        for request in requests:
            try:
                if request.collaborative is not None and request.content is not None:
                    request.semantic_alignment = semantic_alignment(request.collaborative, request.content)
                self._observe(request)
            except Exception as error:  # noqa: BLE001 - the other requests are scored all the same
                self._dropped.drop(_TARGET, "error", error)

    def _compare_vectors(self, requests: "Sequence[RecommenderRequest]") -> None:
        if self._embeddings is None:
            return
        listing = [request for request in requests if request.items and self._can_look_up(request)]
        try:
            wanted = dict.fromkeys(item for request in listing for item in _mentioned(request))
            if wanted:
                _fill_in(listing, _directions(list(wanted), self._embeddings))
        except Exception as error:  # noqa: BLE001 - what needs no embedding is computed all the same
            self._dropped.drop(_TARGET, "error", error, writes=len(listing))

    def _can_look_up(self, request: "RecommenderRequest") -> bool:
        try:
            hash((request.items, request.recent))
        except Exception as error:  # noqa: BLE001 - an id that is a list, or one of somebody else's making
            self._dropped.drop(_TARGET, "error", error)
            return False
        return True

    def _observe(self, request: "RecommenderRequest") -> None:
        metrics = self._metrics
        labels = (request.model, str(request.was_reranked).lower())
        for histogram, value in (
            (metrics.diversity, request.diversity),
            (metrics.content_score, request.content_score),
            (metrics.semantic_alignment, request.semantic_alignment),
        ):
            if value is not None:
                histogram.labels(*labels).observe(value)
        if request.item_scores and request.fallback_method is None:
            self._observe_scores(request, request.item_scores)

    def _observe_scores(self, request: "RecommenderRequest", scores: Sequence[float]) -> None:
        # One NaN would make the histogram's sum NaN for good.
        finite = [score for score in scores if isfinite(score)]
        observe_all(self._metrics.score.labels(request.model, request.variant), finite)
        if len(finite) < len(scores):
            lost = len(scores) - len(finite)
            self._dropped.drop(_TARGET, "not_finite", "a score is NaN or infinite", writes=lost)


def _fill_in(requests: "Sequence[RecommenderRequest]", directions: "_Directions") -> None:
    """Set content score and diversity, of all requests at once: many small arrays would cost far more."""
    items, returned = directions.sums([request.items or () for request in requests])
    recent, taken = directions.sums([request.recent or () for request in requests])
    squares, products = (np.einsum("ij,ij->i", items, other).tolist() for other in (items, recent))
    for request, count, other, square, product in zip(
        requests, returned, taken, squares, products, strict=True
    ):
        request.diversity = _mean_distance(square, count)
        request.content_score = _mean_cosine(product, count, other)


class _Directions:
    """Unit vectors of items, found by id."""

    def __init__(self, items: Sequence[Hashable], units: Vectors) -> None:
        self._row = {item: row for row, item in enumerate(items)}
        self._units = units

    def sums(self, lists: Sequence[Sequence[Hashable]]) -> tuple[Vectors, list[int]]:
        """For each list of items the sum of those that have a vector, shape `(lists, d)`, and how many."""
        row = self._row
        rows = [[row[item] for item in items if item in row] for items in lists]
        counts = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
        sums = np.zeros((len(lists), self._units.shape[1]))
        filled = counts > 0
        if filled.any():
            begins: NDArray[np.intp] = np.cumsum(counts) - counts
            flat = np.fromiter(chain.from_iterable(rows), dtype=np.intp)
            sums[filled] = np.add.reduceat(self._units[flat], begins[filled], axis=0)
        return sums, counts.tolist()


def _mentioned(request: "RecommenderRequest") -> Iterator[Any]:
    yield from request.items or ()
    yield from request.recent or ()


def _directions(items: Sequence[Any], embeddings: Embeddings) -> _Directions:
    if isinstance(embeddings, Mapping):
        found = [(item, embeddings[item]) for item in items if item in embeddings]
        items = [item for item, _ in found]
        vectors: ArrayLike = np.array([vector for _, vector in found], dtype=float)
        if not items:
            return _Directions([], np.empty((0, 0)))
    else:
        vectors = embeddings(items)
    units, usable = _units(vectors)
    if len(units) != len(items):
        raise ValueError(f"{len(items)} items have {len(units)} embeddings: return one row an item")
    return _Directions([item for item, use in zip(items, usable, strict=True) if use], units[usable])


def _units(vectors: ArrayLike) -> tuple[Vectors, NDArray[np.bool_]]:
    array = np.asarray(vectors, dtype=float)
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"an array of {array.ndim} dimensions: give embeddings of shape (n, d)")
    # By the greatest first: squares of very large or very small numbers would leave the range of a float.
    greatest = np.abs(array).max(axis=1, initial=0.0)
    usable = np.isfinite(greatest) & (greatest > 0.0)
    scaled = array / np.where(usable, greatest, 1.0)[:, np.newaxis]
    norm = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return scaled / np.where(usable, norm, 1.0)[:, np.newaxis], usable


def _mean_cosine(product: float, first: int, second: int) -> float | None:
    """From the product of two sums of unit vectors, and how many each is of."""
    return _clipped(product / (first * second)) if first and second else None


def _mean_distance(square: float, count: int) -> float | None:
    """From the square of the length of a sum of unit vectors, and how many it is of."""
    if count < _FEWEST_PAIRS:
        return None
    return 1.0 - _clipped((square - count) / (count * (count - 1)))


def _centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, ties by their mean, less the mean of all."""
    ordered = np.sort(values)
    below, up_to = ordered.searchsorted(values, "left"), ordered.searchsorted(values, "right")
    ranks: NDArray[np.float64] = (below + up_to - len(values)) / 2
    return ranks


def _clipped(cosine: float) -> float:
    """Rounding may carry a cosine past 1."""
    return min(1.0, max(-1.0, cosine))
