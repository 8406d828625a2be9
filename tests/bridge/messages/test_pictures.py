from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.testing import PrometheusServer
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.notification import Entry, Graph, Notification
from recwatch_bridge.messages.pictures import CROWD, Pictures, agreeing, ask_and_draw, find_rule, load
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import AlertRule, Prometheus, Series
from recwatch_bridge.storage.store import Store

NOW = 1_800_000_000.0
LABELS = {"alertname": "DriftDetected", "severity": "warning", "check": "scale"}
SAID = Notification(
    "[WARNING] Drift", "warning", (Entry("t"),), graph=Graph("DriftDetected", NOW - 600, (LABELS,))
)


def rule(query: str = "drift_statistic > 0.2", **more: Any) -> dict[str, Any]:
    return {"type": "alerting", "name": "DriftDetected", "query": query, **more}


@pytest.fixture
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as server:
        server.rules = [rule()]
        points = [(NOW - 60 * minute, 0.1 + 0.01 * minute) for minute in range(100, -1, -1)]
        server.series["drift_statistic"] = [({"check": "scale"}, points), ({"check": "other"}, points)]
        yield server


@pytest.fixture
def pictures(prometheus: PrometheusServer, store: Store, metrics: BridgeMetrics, clock: Any) -> Pictures:
    return Pictures(Prometheus(prometheus.url, metrics=metrics), store, metrics=metrics, clock=clock)


@pytest.fixture
def counted(metrics: BridgeMetrics) -> Callable[[], dict[str, float | None]]:
    def read() -> dict[str, float | None]:
        return {
            outcome: metrics.registry.get_sample_value("bridge_pictures_total", {"outcome": outcome})
            for outcome in ("drawn", "failed", "skipped")
        }

    return read


def test_drawn_once_and_kept(
    pictures: Pictures, prometheus: PrometheusServer, store: Store, message: Any, counted: Any
) -> None:
    png = pictures.of(message(SAID))
    assert png is not None
    assert png.startswith(b"\x89PNG")
    with store.read() as connection:
        assert load(connection, "u1") == png
    asked = len(prometheus.messages)
    assert pictures.of(message(SAID, attempts=3)) == png
    assert len(prometheus.messages) == asked
    assert counted() == {"drawn": 1, "failed": 0, "skipped": 0}


def test_what_is_asked_comes_from_the_rule(
    pictures: Pictures, prometheus: PrometheusServer, message: Any
) -> None:
    pictures.of(message(SAID))
    question = prometheus.messages[-1]
    assert question.path == "/api/v1/query_range"
    assert question.asked["query"] == "drift_statistic"
    assert float(question.asked["end"]) == NOW
    three_hours_before = NOW - 600 - 3 * 3600
    step = float(question.asked["step"])
    assert three_hours_before - step < float(question.asked["start"]) <= three_hours_before


@given(later=st.floats(0, 30 * 86_400))
def test_the_newest_value_is_a_point_of_the_picture(prometheus: PrometheusServer, later: float) -> None:
    assert SAID.graph is not None
    # No series: only what is asked counts, and drawing takes its time.
    prometheus.series.clear()
    ask_and_draw(Prometheus(prometheus.url), SAID.graph, NOW + later)
    start, end, step = (Decimal(prometheus.messages[-1].asked[name]) for name in ("start", "end", "step"))
    assert (end - start) % step == 0
    assert end >= Decimal(NOW + later)


def test_a_threshold_that_is_a_series_is_drawn_as_its_number_is(prometheus: PrometheusServer) -> None:
    def drawn(query: str) -> bytes | None:
        assert SAID.graph is not None
        prometheus.rules = [rule(query)]
        return ask_and_draw(Prometheus(prometheus.url), SAID.graph, NOW)

    limit = [(NOW - 60, 0.7), (NOW, 0.2)]
    prometheus.series["limit"] = [({"check": "scale"}, limit), ({"check": "other"}, [(NOW, 0.9)])]
    prometheus.series["limits"] = [({"check": "scale", "x": "1"}, limit), ({"check": "scale"}, [(NOW, 0.9)])]
    assert drawn("drift_statistic > on (check) limit") == drawn("drift_statistic > 0.2")
    # Two that differ, or none, are no line.
    assert drawn("drift_statistic > limits") == drawn("drift_statistic > nothing") == drawn("drift_statistic")


def test_annotation_graph_is_drawn_instead(
    pictures: Pictures, prometheus: PrometheusServer, message: Any
) -> None:
    prometheus.rules = [rule(annotations={"graph": "drift_effect_size > 0.3"})]
    prometheus.series["drift_effect_size"] = [({}, [(NOW, 1.0)])]
    assert pictures.of(message(SAID)) is not None
    assert prometheus.messages[-1].asked["query"] == "drift_effect_size"


def test_annotation_with_a_template_cannot_be_asked(
    pictures: Pictures, prometheus: PrometheusServer, message: Any
) -> None:
    prometheus.rules = [rule(annotations={"graph": "drift_statistic{check='{{ $labels.check }}'}"})]
    assert pictures.of(message(SAID)) is not None


def test_no_picture_of_what_is_no_alert(pictures: Pictures, message: Any, counted: Any) -> None:
    assert pictures.of(message(Notification("[INFO] Run", "info", ()))) is None
    assert counted() == {"drawn": 0, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("rules", [[], [rule(labels={"severity": "critical"})], [rule("nothing > 1")]])
def test_nothing_to_draw(
    pictures: Pictures, prometheus: PrometheusServer, message: Any, counted: Any, rules: list[Any]
) -> None:
    prometheus.rules = rules
    assert pictures.of(message(SAID)) is None
    assert counted() == {"drawn": 0, "failed": 0, "skipped": 1}


def test_later_attempts_do_not_ask_again(
    pictures: Pictures, prometheus: PrometheusServer, message: Any, counted: Any
) -> None:
    assert pictures.of(message(SAID, attempts=1)) is None
    assert prometheus.messages == []
    assert counted()["skipped"] == 1


def test_a_sink_that_lags_behind_gets_none(pictures: Pictures, store: Store, message: Any) -> None:
    def wait(count: int) -> None:
        with store.write() as connection:
            for _ in range(count):
                outbox.enqueue(connection, SAID, sink="email", kind="alerts", about=["a"], now=NOW)

    wait(CROWD)
    assert pictures.of(message(SAID)) is not None
    wait(1)
    assert pictures.of(message(SAID, uid="u2")) is None
    assert pictures.of(message(SAID, uid="u3", sink="slack")) is not None


def test_a_failure_is_counted_and_told(
    pictures: Pictures,
    prometheus: PrometheusServer,
    message: Any,
    counted: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    prometheus.fail_next(500)
    assert pictures.of(message(SAID)) is None
    assert counted() == {"drawn": 0, "failed": 1, "skipped": 0}
    assert "message u1: no picture: " in caplog.text
    assert pictures.of(message(SAID, uid="u2")) is not None


def test_a_slow_prometheus_is_left_alone_for_a_while(
    pictures: Pictures,
    message: Any,
    counted: Any,
    monkeypatch: pytest.MonkeyPatch,
    prometheus: PrometheusServer,
) -> None:
    prometheus.fail_next(500)
    monkeypatch.setattr("recwatch_bridge.messages.pictures.SLOW", 0.0)
    assert pictures.of(message(SAID)) is None
    assert pictures.of(message(SAID, uid="u2")) is None
    assert counted() == {"drawn": 0, "failed": 1, "skipped": 1}


def test_a_database_that_fails_costs_the_picture_only(
    pictures: Pictures, store: Store, message: Callable[..., Message], counted: Any
) -> None:
    store.close()
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE pictures")
    assert pictures.of(message(SAID)) is None
    assert counted()["failed"] == 1


def test_find_rule_takes_the_one_that_says_most() -> None:
    def of(**labels: str) -> AlertRule:
        return AlertRule("A", "q", labels, {})

    labels = {"severity": "info", "action": "retrain", "team": "x"}
    rules = [of(severity="info"), of(severity="info", action="retrain"), of(severity="critical")]
    assert find_rule(rules, labels) is rules[1]
    assert find_rule([of(team="{{ $labels.team }}")], labels) is not None
    assert find_rule(rules, {}) is None


def test_series_agree_with_an_alert() -> None:
    same, other, more, empty = (
        Series({"check": "scale"}, (1.0,), (1.0,)),
        Series({"check": "other"}, (1.0,), (1.0,)),
        Series({"check": "scale", "feature": "a"}, (1.0,), (1.0,)),
        Series({"check": "scale"}, (), ()),
    )
    assert agreeing([same, other, more, empty], [LABELS]) == [same, more]
