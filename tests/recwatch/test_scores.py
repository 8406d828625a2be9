import math
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from scipy.spatial.distance import cdist, pdist
from scipy.stats import spearmanr

from recwatch.scores import Embeddings, Scores, content_score, diversity, semantic_alignment, unit_vectors
from recwatch.serving import RecommenderMetrics, RecommenderRequest

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 2.0), (-3.0, 0.0)
VECTORS = {"east": EAST, "north": NORTH, "west": WEST, "zero": (0.0, 0.0), "nan": (math.nan, 1.0)}

FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False)
# Few different values, so that ties are common.
RATINGS = st.integers(-3, 3).map(float)


def usable(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    known: NDArray[np.float64] = vectors[np.linalg.norm(vectors, axis=1) > 0]
    return known


def rows(dimensions: int = 3) -> st.SearchStrategy[NDArray[np.float64]]:
    shapes = st.tuples(st.integers(0, 8), st.just(dimensions))
    return shapes.flatmap(lambda shape: arrays(float, shape, elements=st.integers(-5, 5).map(float)))


@given(rows())
def test_diversity_is_the_mean_of_scipys_pairwise_distances(vectors: NDArray[np.float64]) -> None:
    known = usable(vectors)
    expected = float(np.mean(pdist(known, "cosine"))) if len(known) > 1 else None
    assert diversity(vectors) == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(rows(), rows())
def test_the_content_score_is_the_mean_of_scipys_cosines(
    items: NDArray[np.float64], recent: NDArray[np.float64]
) -> None:
    first, second = usable(items), usable(recent)
    expected = float(np.mean(1 - cdist(first, second, "cosine"))) if len(first) and len(second) else None
    assert content_score(items, recent) == (None if expected is None else pytest.approx(expected, abs=1e-12))
    assert content_score(items, recent) == content_score(recent, items)


@given(st.lists(st.tuples(RATINGS | FLOATS, RATINGS | FLOATS), min_size=2, max_size=30))
def test_semantic_alignment_is_scipys_spearman(pairs: list[tuple[float, float]]) -> None:
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert semantic_alignment(first, second) is None
    else:
        assert semantic_alignment(first, second) == pytest.approx(spearmanr(first, second)[0], abs=1e-12)


@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_a_list_says_nothing_of_its_diversity(
    vectors: NDArray[np.float64], random: Random
) -> None:
    order = list(range(len(vectors)))
    random.shuffle(order)
    one, other = diversity(vectors), diversity(vectors[order])
    assert one == (None if other is None else pytest.approx(other, abs=1e-12))


def test_scores_of_known_lists() -> None:
    assert diversity([EAST, EAST]) == 0
    assert diversity([EAST, WEST]) == 2
    assert diversity([EAST, NORTH, WEST]) == pytest.approx(4 / 3)
    assert content_score([EAST, NORTH], [EAST]) == 0.5
    assert content_score([EAST], [WEST]) == -1
    assert semantic_alignment([3, 2, 1], [30, 20, 10]) == 1
    assert semantic_alignment([3, 2, 1], [10, 20, 30]) == -1
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    assert semantic_alignment([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9486832980505138)


@pytest.mark.parametrize("vectors", [np.empty((0, 2)), [EAST], [EAST, (0.0, 0.0)], [EAST, (math.inf, 0.0)]])
def test_fewer_than_two_directions_have_no_diversity(vectors: object) -> None:
    assert diversity(np.array(vectors)) is None


def test_the_content_score_needs_both_sides() -> None:
    assert content_score([EAST], np.empty((0, 2))) is None
    assert content_score(np.empty((0, 2)), [EAST]) is None
    assert content_score([(0.0, 0.0)], [EAST]) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0]), ([1.0, math.nan], [1.0, 2.0])],
)
def test_an_order_of_nothing_aligns_with_nothing(first: list[float], second: list[float]) -> None:
    assert semantic_alignment(first, second) is None


def test_infinite_scores_have_a_rank() -> None:
    assert semantic_alignment([1.0, 2.0, math.inf], [0.0, 1.0, 2.0]) == 1


def test_vectors_of_any_size_have_a_direction() -> None:
    np.testing.assert_allclose(unit_vectors([(3e200, 4e200), (3e-200, 4e-200)]), [(0.6, 0.8), (0.6, 0.8)])
    assert unit_vectors([(0.0, 0.0), (math.nan, 1.0)]).shape == (0, 2)
    assert diversity(np.full((3, 4), 0.1, dtype=np.float32)) == pytest.approx(0, abs=1e-12)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"an array of 1 dimensions: give embeddings of shape \(n, d\)"):
        diversity([1.0, 2.0])
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(1,\): give both scores of each candidate"):
        semantic_alignment([1.0, 2.0], [1.0])


class Kept:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.requests: list[RecommenderRequest] = []
        self.consumers: tuple[Scores, ...] = ()

    def put(self, request: RecommenderRequest) -> None:
        self.requests.append(request)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def metrics(registry: CollectorRegistry, kept: Kept) -> RecommenderMetrics:
    return RecommenderMetrics("als", recorder=kept, registry=registry)  # type: ignore[arg-type]


def drops(registry: CollectorRegistry, reason: str) -> float | None:
    labels = {"target": "scores", "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def observed(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"recommender_{name}_count", {"model": "als", **labels})


def look_up(items: Sequence[str]) -> NDArray[np.float64]:
    return np.array([VECTORS.get(item, (math.nan, math.nan)) for item in items])


@pytest.mark.parametrize("embeddings", [VECTORS, look_up], ids=["mapping", "callable"])
def test_a_request_is_scored_and_observed(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept, embeddings: Embeddings
) -> None:
    with metrics.request() as request:
        request.returned(["east", "north", "unknown", "zero", "nan"], scores=[5.0, 4.0], recent=["east", "?"])
        request.rerank(collaborative=[1, 2, 3], content=[1, 3, 2])
    with metrics.request() as alone:
        alone.returned(["east"])
    Scores(embeddings, registry=registry).take(kept.requests)
    assert (request.content_score, request.diversity, request.semantic_alignment) == (0.5, 1.0, 0.5)
    assert (alone.content_score, alone.diversity, alone.semantic_alignment) == (None, None, None)
    for name in ("content_score", "diversity", "semantic_alignment"):
        assert observed(registry, name, reranked="true") == 1
    assert observed(registry, "score", variant="default") == 2
    assert (drops(registry, "error"), drops(registry, "not_finite")) == (0, 0)


def test_without_embeddings_what_needs_none_is_computed(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    with metrics.request() as request:
        request.returned(["east"], scores=[1.5], recent=["east"])
        request.rerank(collaborative=[1, 2], content=[1, 2])
    Scores(registry=registry).take(kept.requests)
    assert (request.content_score, request.diversity, request.semantic_alignment) == (None, None, 1.0)
    assert observed(registry, "score", variant="default") == 1


def test_nan_and_infinity_are_dropped_and_counted(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    with metrics.request() as request:
        request.returned([1, 2, 3, 4], scores=np.array([0.5, math.nan, math.inf, -math.inf]))
    Scores(registry=registry).take(kept.requests)
    assert observed(registry, "score", variant="default") == 1
    assert drops(registry, "not_finite") == 3


def test_scores_of_a_fallback_are_not_the_models(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    with metrics.request() as request:
        request.fallback("popularity")
        request.returned(["east", "west"], scores=[9_000, 8_000])
    Scores(VECTORS, registry=registry).take(kept.requests)
    assert not observed(registry, "score", variant="default")
    assert request.diversity == 2


def test_one_bad_request_costs_its_own_scores_only(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    for length in (2, 3, 2):
        with metrics.request() as request:
            request.rerank(collaborative=[1, 2], content=range(length))
    Scores(registry=registry).take(kept.requests)
    assert [request.semantic_alignment for request in kept.requests] == [1, None, 1]
    assert drops(registry, "error") == 1


def test_an_id_that_cannot_be_looked_up_costs_its_own_scores_only(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    for items in (["east", "west"], [["east"], "west"]):
        with metrics.request() as request:
            request.returned(items)
    Scores(VECTORS, registry=registry).take(kept.requests)
    assert [request.diversity for request in kept.requests] == [2, None]
    assert drops(registry, "error") == 1


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=6), st.lists(st.integers(0, 9), max_size=4))))
def test_a_batch_is_scored_as_each_request_alone(lists: list[tuple[list[int], list[int]]]) -> None:
    registry, kept = CollectorRegistry(), Kept()
    metrics = RecommenderMetrics("als", recorder=kept, registry=registry)  # type: ignore[arg-type]
    table = np.vstack([np.zeros(3), np.random.default_rng(0).normal(size=(7, 3))])
    known = {item: table[item] for item in range(len(table))}
    for items, recent in lists:
        with metrics.request() as request:
            request.returned(items, recent=recent)
    Scores(known, registry=registry).take(kept.requests)
    for (items, recent), request in zip(lists, kept.requests, strict=True):
        vectors, others = (table[[item for item in some if item in known]] for some in (items, recent))
        for found, expected in (
            (request.diversity, diversity(vectors)),
            (request.content_score, content_score(vectors, others)),
        ):
            assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def fails(items: Sequence[str]) -> NDArray[np.float64]:
    raise KeyError(items[0])


def short(_: Sequence[str]) -> list[tuple[float, float]]:
    return [EAST]


@pytest.mark.parametrize("embeddings", [fails, short])
def test_embeddings_that_fail_cost_what_needs_them(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept, embeddings: Embeddings
) -> None:
    with metrics.request() as request:
        request.returned(["east", "west"], scores=[1, 2])
    Scores(embeddings, registry=registry).take(kept.requests)
    assert request.diversity is None
    assert observed(registry, "score", variant="default") == 2
    assert drops(registry, "error") == 1


def test_a_callable_follows_the_model_in_service(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    model = {"one": (1.0, 0.0), "two": (1.0, 0.0)}
    scores = Scores(lambda items: np.array([model[item] for item in items]), registry=registry)
    for vector in ((1.0, 0.0), (0.0, 1.0)):
        model["two"] = vector
        with metrics.request() as request:
            request.returned(["one", "two"])
        scores.take([request])
    assert [request.diversity for request in kept.requests] == [0, 1]


def test_a_long_batch_is_scored_whole(
    metrics: RecommenderMetrics, registry: CollectorRegistry, kept: Kept
) -> None:
    asked: list[int] = []

    def count(items: Sequence[int]) -> NDArray[np.float64]:
        asked.append(len(items))
        return np.array([(1.0, float(item)) for item in items])

    for number in range(600):
        with metrics.request() as request:
            request.returned([number, number + 1])
    Scores(count, registry=registry).take(kept.requests)
    assert all(request.diversity is not None for request in kept.requests)
    assert asked == [65] * 9 + [25]
