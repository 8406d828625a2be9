import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from recwatch import request_id
from recwatch.recorder import Recorder
from recwatch.serving import RecommenderMetrics, RecommenderRequest

TRAINED = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


class ClientDisconnect(Exception):  # noqa: N818 - Starlette's name
    pass


@pytest.fixture
def metrics(registry: CollectorRegistry) -> RecommenderMetrics:
    return RecommenderMetrics("als", registry=registry)


def outcomes(registry: CollectorRegistry) -> dict[str, float | None]:
    labels = {"model": "als", "variant": "default"}
    return {
        outcome: registry.get_sample_value("recommender_requests_total", {**labels, "outcome": outcome})
        for outcome in ("success", "error", "cancelled")
    }


def test_a_request_that_goes_well(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    with metrics.request() as request:
        request.returned([1, 2, 3])
        request.rerank()
    assert outcomes(registry) == {"success": 1, "error": 0, "cancelled": 0}
    labels = {"model": "als", "variant": "default", "reranked": "true"}
    assert registry.get_sample_value("recommender_request_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("recommender_recommendations_sum", {"model": "als"}) == 3


def test_a_fallback_is_counted_once_a_request(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    with metrics.request() as request:
        request.fallback("popularity")
        request.fallback("popularity")
    labels = {"model": "als", "variant": "default", "method": "popularity"}
    assert registry.get_sample_value("recommender_fallbacks_total", labels) == 1


def test_an_error_is_counted_and_raised(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    with pytest.raises(KeyError), metrics.request():
        raise KeyError(17)
    assert outcomes(registry) == {"success": 0, "error": 1, "cancelled": 0}
    labels = {"model": "als", "variant": "default", "error": "KeyError"}
    assert registry.get_sample_value("recommender_errors_total", labels) == 1


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, ClientDisconnect, KeyboardInterrupt, GeneratorExit]
)
def test_a_cancellation_is_no_error(
    metrics: RecommenderMetrics, registry: CollectorRegistry, error: type[BaseException]
) -> None:
    with pytest.raises(error), metrics.request():
        raise error
    assert outcomes(registry) == {"success": 0, "error": 0, "cancelled": 1}


def test_classes_of_errors_without_end_make_no_series_without_end(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    for number in range(60):
        kind = type(f"Error{number}", (Exception,), {})
        with pytest.raises(kind), metrics.request():
            raise kind
    labels = {"model": "als", "variant": "default", "error": "other"}
    assert registry.get_sample_value("recommender_errors_total", labels) == 10


def drops(registry: CollectorRegistry) -> float | None:
    labels = {"target": "metrics", "reason": "error"}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_a_generator_of_items_is_not_consumed(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    items = (item for item in [1, 2])
    with metrics.request() as request:
        request.returned(items)  # type: ignore[arg-type]
    assert list(items) == [1, 2]
    assert outcomes(registry)["success"] == 1
    assert drops(registry) == 1


def test_a_mistake_in_watching_breaks_no_request(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    with metrics.request() as request:
        request.fallback(["popularity"])  # type: ignore[arg-type]
        request.returned(17)  # type: ignore[arg-type]
        request.rerank(collaborative=17)  # type: ignore[arg-type]
    with metrics.request(request_id=UUID(int=1)):  # type: ignore[arg-type]
        pass
    assert outcomes(registry)["success"] == 2
    # Without a recorder nobody looks at what a reranking saw.
    assert drops(registry) == 2


def test_fallback_methods_without_end_make_no_series_without_end(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    for number in range(60):
        with metrics.request() as request:
            request.fallback(f"method-{number}")
    labels = {"model": "als", "variant": "default", "method": "other"}
    # popularity and 49 others have series of their own
    assert registry.get_sample_value("recommender_fallbacks_total", labels) == 11


def exemplars(registry: CollectorRegistry) -> list[dict[str, str]]:
    return [
        dict(sample.exemplar.labels)
        for family in registry.collect()
        for sample in family.samples
        if sample.exemplar
    ]


def test_the_requests_id_is_an_exemplar_of_its_time(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    with metrics.request():
        pass
    assert exemplars(registry) == []
    with request_id.bind("abc"), metrics.request() as request:
        pass
    assert request.request_id == "abc"
    assert exemplars(registry) == [{"request_id": "abc"}]
    with request_id.bind("abc"), metrics.request(request_id="given"):
        pass
    assert exemplars(registry) == [{"request_id": "given"}]


def test_an_id_too_long_for_an_exemplar_is_left_out(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    for length in (118, 119):
        with metrics.request(request_id="x" * length):
            pass
    assert exemplars(registry) == [{"request_id": "x" * 118}]
    assert outcomes(registry)["success"] == 2
    assert drops(registry) == 0


class Kept:
    name = "kept"

    def __init__(self) -> None:
        self.requests: list[RecommenderRequest] = []

    def take(self, requests: Sequence[RecommenderRequest]) -> None:
        self.requests.extend(requests)

    def close(self) -> None:
        pass


def test_a_request_is_its_own_record(registry: CollectorRegistry) -> None:
    kept = Kept()
    recorder = Recorder([kept], registry=registry)
    metrics = RecommenderMetrics("als", variant="b", recorder=recorder, registry=registry)
    metrics.model_loaded("v1", TRAINED)
    begun = datetime.now(UTC).timestamp()
    items = [3, 4]
    with metrics.request(7, topk=2, exclude_seen=True, filters={"genre": "Drama"}, request_id="r") as request:
        request.returned(items, scores=np.array([0.5, 0.25], dtype=np.float32), recent=np.array([1, 2]))
        request.rerank(collaborative=np.array([1, 2]), content=[2.0, 1.0])
        request.fallback("popularity")
        items.append(5)
    with pytest.raises(KeyError), metrics.request("eight"):
        raise KeyError(8)
    assert recorder.close(30)
    done, failed = kept.requests
    assert begun - 1 <= done.timestamp <= failed.timestamp <= datetime.now(UTC).timestamp() + 1
    assert 0 <= done.seconds < 60
    assert {
        "model": done.model,
        "version": done.version,
        "variant": done.variant,
        "outcome": done.outcome,
        "error": done.error,
        "user_id": done.user_id,
        "topk": done.topk,
        "exclude_seen": done.exclude_seen,
        "filters": done.filters,
        "request_id": done.request_id,
        "items": done.items,
        "item_scores": done.item_scores,
        "fallback_method": done.fallback_method,
        "was_reranked": done.was_reranked,
        "recent": done.recent,
        "collaborative": done.collaborative,
        "content": done.content,
    } == {
        "model": "als",
        "version": "v1",
        "variant": "b",
        "outcome": "success",
        "error": None,
        "user_id": 7,
        "topk": 2,
        "exclude_seen": True,
        "filters": {"genre": "Drama"},
        "request_id": "r",
        "items": (3, 4),
        "item_scores": (0.5, 0.25),
        "fallback_method": "popularity",
        "was_reranked": True,
        "recent": (1, 2),
        "collaborative": (1, 2),
        "content": (2.0, 1.0),
    }
    assert {type(value) for value in (*(done.recent or ()), *(done.collaborative or ()))} == {int}
    assert (failed.user_id, failed.outcome, failed.error, failed.items) == (
        "eight",
        "error",
        "KeyError",
        None,
    )


def test_a_recorder_that_fails_breaks_no_request(registry: CollectorRegistry) -> None:
    class Broken(Recorder):
        def put(self, request: RecommenderRequest) -> None:
            raise RuntimeError(request.model)

    metrics = RecommenderMetrics("als", recorder=Broken([], registry=registry), registry=registry)
    with metrics.request():
        pass
    assert outcomes(registry)["success"] == 1
    assert drops(registry) == 1


def test_tasks_that_are_cancelled_or_time_out(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    async def serve(begun: asyncio.Event) -> None:
        with metrics.request() as request:
            request.returned([1])
            begun.set()
            await asyncio.Event().wait()

    async def main() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(serve(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(serve(asyncio.Event()), 0.001)

    asyncio.run(main())
    assert outcomes(registry) == {"success": 0, "error": 0, "cancelled": 2}


def test_requests_may_be_nested(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    with metrics.request() as outer:
        with metrics.request() as inner:
            inner.fallback("popularity")
        with pytest.raises(KeyError), metrics.request():
            raise KeyError(17)
        outer.returned([1])
    assert (outer.fallback_method, inner.items, inner.seconds < outer.seconds) == (None, None, True)
    assert outcomes(registry) == {"success": 2, "error": 1, "cancelled": 0}


def test_requests_of_many_threads_are_all_counted(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    def serve() -> None:
        for _ in range(500):
            with metrics.request() as request:
                request.returned([1, 2])

    threads = [threading.Thread(target=serve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes(registry)["success"] == 4_000
    assert registry.get_sample_value("recommender_recommendations_sum", {"model": "als"}) == 8_000


class NotFound(Exception):  # noqa: N818 - named as frameworks do
    status_code = 404


class Unavailable(Exception):  # noqa: N818
    status_code = 503


@pytest.mark.parametrize(("error", "outcome"), [(NotFound, "success"), (Unavailable, "error")])
def test_what_the_caller_did_wrong_is_no_failure_of_the_service(
    registry: CollectorRegistry, error: type[Exception], outcome: str
) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    with pytest.raises(error), metrics.request():
        raise error
    labels = {"model": "als", "variant": "default", "outcome": outcome}
    assert registry.get_sample_value("recommender_requests_total", labels) == 1
