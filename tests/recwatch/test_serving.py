import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.recorder import Recorder
from recwatch.scores import Scores
from recwatch.serving import RecommenderMetrics

TRAINED = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


class Drawer:
    """Neither a recorder nor a registry."""


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


def drops(registry: CollectorRegistry) -> float | None:
    labels = {"target": "metrics", "reason": "error"}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_a_count_that_is_none_breaks_no_request(
    metrics: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    metrics.impressions(-1)
    metrics.clicks("many")  # type: ignore[arg-type]
    assert drops(registry) == 2


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


def test_whether_the_last_load_ended_well(metrics: RecommenderMetrics, registry: CollectorRegistry) -> None:
    name, labels = "recommender_model_last_reload_successful", {"model": "als"}
    assert registry.get_sample_value(name, labels) is None
    metrics.reload("error")
    assert registry.get_sample_value(name, labels) == 0
    metrics.arm("candidate")
    assert registry.get_sample_value(name, labels) == 0
    metrics.reload("success")
    assert registry.get_sample_value(name, labels) == 1


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


def test_an_arm_serves_the_version_of_the_first_until_it_loads_its_own(registry: CollectorRegistry) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    before = metrics.arm("before")
    metrics.model_loaded("v1", datetime(2025, 1, 1, tzinfo=UTC))
    after = metrics.arm("after")
    assert (before.version, after.version) == ("v1", "v1")
    after.model_loaded("v9", datetime(2025, 1, 2, tzinfo=UTC))
    metrics.model_loaded("v2", datetime(2025, 1, 3, tzinfo=UTC))
    assert (metrics.version, before.version, after.version) == ("v2", "v2", "v9")


def test_what_cannot_be_told_of_a_model_never_reaches_the_service(registry: CollectorRegistry) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    metrics.reload("failed")  # type: ignore[arg-type]
    metrics.model_loaded("v1", "yesterday")  # type: ignore[arg-type]
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 2


@pytest.mark.parametrize("trained_at", [datetime(2026, 11, 21, 3, 15), "2026-11-21", None])  # noqa: DTZ001
def test_a_time_of_training_without_a_zone_is_a_drop_that_says_what_to_pass(
    metrics: RecommenderMetrics,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
    trained_at: Any,
) -> None:
    metrics.model_loaded("v1", TRAINED)
    metrics.model_loaded("v2", trained_at)
    assert drops(registry) == 1
    assert "trained_at must be an aware datetime, such as datetime.now(UTC); got" in caplog.text
    assert info(registry) == {("als", "v2"): 1}
    name = "recommender_model_trained_timestamp_seconds"
    assert registry.get_sample_value(name, {"model": "als"}) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recorder": Drawer()}, r"recorder must be a Recorder, such as Recorder\(\[.*; got Drawer$"),
        ({"model": 3}, "model and variant must be texts; got 3, 'default'$"),
        ({"variant": None}, "model and variant must be texts; got 'als', None$"),
        ({"fallbacks": "popularity"}, "fallbacks must be a list of texts, .*; got 'popularity'$"),
        ({"fallbacks": [None]}, r"fallbacks must be a list of texts, .*; got \[None\]$"),
        ({"registry": Drawer()}, "registry must be a CollectorRegistry; got Drawer$"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        RecommenderMetrics(**{"model": "als", "registry": CollectorRegistry(), **arguments})
