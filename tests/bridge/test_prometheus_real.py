"""The client of Prometheus and what is asked with it, against a real Prometheus."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from recwatch.testing import free_port, wait_until
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining.plan import WatchPlan
from recwatch_bridge.retraining.watch import Seen, look

RULE = {
    "alert": "ModelBroken",
    "expr": 'sum by (model) (recommender_requests_total{outcome="error"}) > 0',
    "labels": {"severity": "critical", "action": "rollback"},
    "annotations": {"summary": "{{ $labels.model }} is broken"},
}
OWN_QUERY = """
(sum(increase(recommender_requests_total{model="$model",outcome=~"error|cancelled"}[$window])) or vector(0))
/ (sum(increase(recommender_requests_total{model="$model"}[$window])) > 50)
"""


@pytest.fixture(scope="module")
def counted() -> Iterator[tuple[Counter, int]]:
    """A recommender as far as its metrics go."""
    registry = CollectorRegistry()
    requests_total = Counter(
        "recommender_requests_total", "Requests.", ["model", "variant", "outcome"], registry=registry
    )
    for outcome in ("success", "error", "cancelled"):
        requests_total.labels("als", "a", outcome)
    port = free_port()
    server, thread = start_http_server(port, "127.0.0.1", registry)
    yield requests_total, port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def prometheus(
    run_prometheus: Any, counted: tuple[Counter, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    targets = {"shop": f"127.0.0.1:{counted[1]}"}
    with run_prometheus(folder, [RULE], targets, external_labels={"cluster": "test"}) as program:
        yield Prometheus(program.url)


@pytest.mark.all
def test_errors_after_a_promotion_are_seen(counted: tuple[Counter, int], prometheus: Prometheus) -> None:
    requests_total, _ = counted
    plan = WatchPlan(period=600.0, max_errors=0.05, min_requests=50)
    began = time.time()

    def seen() -> Seen:
        return look(prometheus, plan, "als", since=began - 1, to=time.time())

    scrapes = 'sum(count_over_time(up{job="shop"}[1m]))'
    wait_until(lambda: (prometheus.instant(scrapes) or 0.0) > 2, timeout=30)
    assert seen() == Seen(None, 0.0)
    assert look(prometheus, plan, "bpr", since=began, to=time.time()) == Seen(None, 0.0)
    requests_total.labels("als", "a", "cancelled").inc(1_000)
    requests_total.labels("als", "a", "success").inc(80)
    wait_until(lambda: seen().enough(plan), timeout=30)
    assert seen().share == 0.0
    requests_total.labels("als", "a", "error").inc(20)
    wait_until(lambda: seen().too_many(plan), timeout=30)
    wait_until(lambda: abs((seen().share or 0.0) - 0.2) < 0.05, timeout=30)

    own = WatchPlan(period=600.0, max_errors=0.05, min_requests=0, query=OWN_QUERY)
    assert look(prometheus, own, "als", since=began - 1, to=time.time()).too_many(own)
    assert look(prometheus, own, "bpr", since=began - 1, to=time.time()) == Seen(None)

    wait_until(lambda: bool(prometheus.firing()), timeout=30)
    (alert,) = prometheus.firing()
    labels = {"alertname": "ModelBroken", "model": "als", "severity": "critical", "action": "rollback"}
    assert (alert.labels, alert.value) == (labels, 20.0)
    assert alert.annotations == {"summary": "als is broken"}
    assert began - 5 < alert.active_at < time.time() + 5

    (rule,) = prometheus.rules("ModelBroken")
    assert rule.query == 'sum by (model) (recommender_requests_total{outcome="error"}) > 0'
    assert rule.annotations == RULE["annotations"]
    assert prometheus.rules("NoSuch") == []

    now = time.time()
    (series,) = prometheus.range('recommender_requests_total{outcome="error"}', now - 2, now, 0.5)
    assert series.labels["model"] == "als"
    assert max(series.values) == 20.0
    assert list(series.times) == sorted(series.times)

    assert prometheus.instant("scalar(vector(7))") == 7.0
    assert prometheus.instant("0 / 0") is None
    assert prometheus.instant("no_such_metric") is None
    with pytest.raises(PrometheusError, match="3 series"):
        prometheus.instant("recommender_requests_total")
    with pytest.raises(PrometheusError, match=r"answered 400: .*parse error"):
        prometheus.instant("sum(")
