import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from recwatch import request_id
from recwatch.recorder import Recorder
from recwatch.scores import Scores
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


@pytest.mark.usefixtures("metrics")
def test_what_can_happen_is_exported_at_zero(registry: CollectorRegistry) -> None:
    assert outcomes(registry) == {"success": 0, "error": 0, "cancelled": 0}
    default = {"model": "als", "variant": "default"}
    for name, labels in [
        ("recommender_fallbacks_total", {**default, "method": "popularity"}),
        ("recommender_request_duration_seconds_count", {**default, "reranked": "false"}),
        ("recommender_request_duration_seconds_count", {**default, "reranked": "true"}),
        ("recommender_impressions_total", default),
        ("recommender_clicks_total", default),
        ("recommender_model_reloads_total", {"model": "als", "outcome": "error"}),
        ("recommender_recommendations_count", {"model": "als"}),
        ("recwatch_dropped_writes_total", {"target": "metrics", "reason": "error"}),
    ]:
        assert registry.get_sample_value(name, labels) == 0, name


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
    metrics.impressions(-1)
    metrics.clicks("many")  # type: ignore[arg-type]
    assert outcomes(registry)["success"] == 1
    assert drops(registry) == 3


def test_fallback_methods_without_end_make_no_series_without_end(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    for number in range(60):
        with metrics.request() as request:
            request.fallback(f"method-{number}")
    labels = {"model": "als", "variant": "default", "method": "other"}
    # popularity and 49 others have series of their own
    assert registry.get_sample_value("recommender_fallbacks_total", labels) == 11


def test_impressions_clicks_and_reloads(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    metrics.impressions(10)
    metrics.clicks()
    metrics.reload("error")
    labels = {"model": "als", "variant": "default"}
    assert registry.get_sample_value("recommender_impressions_total", labels) == 10
    assert registry.get_sample_value("recommender_clicks_total", labels) == 1
    assert (
        registry.get_sample_value("recommender_model_reloads_total", {"model": "als", "outcome": "error"})
        == 1
    )


def info(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["model"], sample.labels["version"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "recommender_model_info"
    }


def test_only_the_version_in_service_is_shown(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    metrics.model_loaded("v1", TRAINED)
    metrics.model_loaded("v1", TRAINED)
    assert info(registry) == {("als", "v1"): 1}
    metrics.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v2"): 1}
    trained = registry.get_sample_value("recommender_model_trained_timestamp_seconds", {"model": "als"})
    assert trained == TRAINED.timestamp()


def test_two_arms_may_serve_two_versions(registry: CollectorRegistry) -> None:
    control = RecommenderMetrics("als", variant="control", registry=registry)
    candidate = RecommenderMetrics("als", variant="candidate", registry=registry)
    control.model_loaded("v1", TRAINED)
    candidate.model_loaded("v1", TRAINED)
    candidate.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v1"): 1, ("als", "v2"): 1}
    control.model_loaded("v2", TRAINED)
    assert info(registry) == {("als", "v2"): 1}


def test_the_versions_are_known_to_requests_and_to_later_arms(registry: CollectorRegistry) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    assert (metrics.version, metrics.request().version) == (None, None)
    metrics.model_loaded("v1", TRAINED)
    with metrics.request() as request:
        metrics.model_loaded("v2", TRAINED)
    assert (request.version, metrics.version) == ("v1", "v2")
    assert RecommenderMetrics("als", registry=registry).version == "v2"


def test_an_arm_is_made_once_and_shares_all_but_its_variant(registry: CollectorRegistry) -> None:
    control = RecommenderMetrics("als", variant="control", fallbacks=["genre"], registry=registry)
    treatment = control.arm("treatment")
    assert treatment.arm("control") is control
    assert control.arm("treatment") is treatment
    with treatment.request() as request:
        request.returned([1])
    treatment.clicks()
    assert (request.model, request.variant) == ("als", "treatment")
    labels = {"model": "als", "variant": "treatment"}
    for name, more, value in [
        ("recommender_requests_total", {"outcome": "success"}, 1),
        ("recommender_clicks_total", {}, 1),
        ("recommender_fallbacks_total", {"method": "genre"}, 0),
    ]:
        assert registry.get_sample_value(name, {**labels, **more}) == value


def test_several_models_share_a_registry(registry: CollectorRegistry) -> None:
    for model in ("als", "bpr"):
        with RecommenderMetrics(model, registry=registry).request() as request:
            request.returned([1, 2])
        assert registry.get_sample_value("recommender_recommendations_sum", {"model": model}) == 2


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


def test_scores_are_exported_at_zero_where_they_are_computed(registry: CollectorRegistry) -> None:
    RecommenderMetrics("bare", registry=registry)
    RecommenderMetrics("als", recorder=Recorder([Scores(registry=registry)]), registry=registry)
    for name, labels in [
        ("recommender_score_count", {"variant": "default"}),
        ("recommender_content_score_count", {"reranked": "true"}),
        ("recommender_diversity_count", {"reranked": "false"}),
    ]:
        assert registry.get_sample_value(name, {"model": "als", **labels}) == 0
        assert registry.get_sample_value(name, {"model": "bare", **labels}) is None


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


WORKERS = """
import os
import sys
from datetime import UTC, datetime
from prometheus_client import CollectorRegistry
from recwatch.exposition import render
from recwatch.recorder import Recorder
from recwatch.scores import Scores
from recwatch.serving import RecommenderMetrics

registry = CollectorRegistry()
recorder = Recorder([Scores(registry=registry)], registry=registry)
metrics = RecommenderMetrics("als", recorder=recorder, registry=registry)
done, says = os.pipe()
for number in range(2):
    child = os.fork()
    if child == 0:
        metrics.model_loaded("v1", datetime.now(UTC))
        for _ in range(10):
            with metrics.request(request_id="r") as request:
                request.returned([1, 2], scores=[0.5, 0.25])
        metrics.model_loaded("v2", datetime.now(UTC))
        assert recorder.close(30)
        os.write(says, b"x")
        # The first one is gone, the second one lives, while they are scraped.
        os.read(0, 1) if number else None
        os._exit(0)
    os.waitpid(child, 0) if number == 0 else None
    os.read(done, 1)
print("ready", flush=True)
os.wait()
"""
SCRAPE = """
from prometheus_client import CollectorRegistry
from recwatch.exposition import render
print(render(CollectorRegistry())[0].decode())
"""


def test_workers_share_their_counts(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c"]
    with subprocess.Popen(
        [*command, WORKERS], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as workers:
        assert workers.stdout is not None
        assert workers.stdout.readline() == "ready\n"
        page = subprocess.run(
            [*command, SCRAPE], env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout
        workers.communicate("x", timeout=60)
        assert workers.returncode == 0
    lines = page.splitlines()
    for line in (
        'recommender_requests_total{model="als",outcome="success",variant="default"} 20.0',
        'recommender_request_duration_seconds_count{model="als",reranked="false",variant="default"} 20.0',
        'recommender_score_count{model="als",variant="default"} 40.0',
        'recommender_model_info{model="als",version="v2"} 1.0',
        'recwatch_dropped_writes_total{reason="error",target="metrics"} 0.0',
    ):
        assert line in lines
    assert 'version="v1"' not in page
