"""The shipped inhibition rules in a real Alertmanager, with the labels that Prometheus gives to alerts."""

from collections.abc import Callable

import pytest

Labels = dict[str, str]
Fire = Callable[[list[Labels]], list[Labels]]
ON = {"service": "recommender", "model": "als"}


@pytest.fixture
def by_name(samples: list[Labels]) -> dict[str, Labels]:
    """One sample of each alert: that of the fewest labels."""
    return {labels["alertname"]: labels for labels in sorted(samples, key=len, reverse=True)}


def alert(name: str, severity: str = "warning", **labels: str) -> Labels:
    return {"alertname": name, "severity": severity, **ON, **labels}


def test_a_service_that_is_down(suppressed: Callable[[list[Labels]], set[str]]) -> None:
    """Not what may say why it is down, nor pages of an SLO, nor what starts something."""
    alerts = [
        alert("RecommenderDown", "critical", scope="service", job="recommender"),
        alert("RecommenderErrorRateHigh", "critical", symptom="errors"),
        alert("HttpErrorRateHigh", "critical", symptom="errors", route="/"),
        alert("LatencyBudgetBurn", "critical", symptom="latency", long="1h", short="5m"),
        alert("RecommenderErrorsAfterPromotion", "critical", symptom="errors", action="rollback"),
        alert("RecommenderLatencyHigh", symptom="latency"),
        alert("RecommenderNoRequests", symptom="traffic"),
        alert("HealthCheckFailing", check="database"),
        alert("ScrapeSlow", instance="a"),
        alert("ScrapeTooLarge", instance="a"),
        alert("MemoryNearLimit", instance="a"),
        alert("FileDescriptorsNearLimit", instance="a"),
        alert("DiskFilling", check="disk"),
        alert("TargetDown", instance="b"),
        alert("DriftDetected", "info", service="drift-exporter"),
        alert("Watchdog", "none"),
    ]

    assert suppressed(alerts) == {
        "HealthCheckFailing",
        "HttpErrorRateHigh",
        "RecommenderErrorRateHigh",
        "RecommenderLatencyHigh",
        "RecommenderNoRequests",
        "TargetDown",
    }


def test_an_exporter_that_is_down_leaves_the_end_of_what_retrains(
    suppressed: Callable[[list[Labels]], set[str]],
) -> None:
    alerts = [
        alert("DriftExporterDown", scope="service"),
        alert("DriftDetected", "info", action="retrain"),
        alert("SemanticDrift"),
    ]

    assert suppressed(alerts) == {"SemanticDrift"}


def test_a_bridge_that_is_down(suppressed: Callable[[list[Labels]], set[str]]) -> None:
    alerts = [
        alert("BridgeDown", "critical", scope="service", service="bridge"),
        alert("BridgeOutboxOld", service="bridge", sink="email"),
        alert("NotificationsFailing", "critical", service="alertmanager", integration="webhook"),
    ]

    assert suppressed(alerts) == {"BridgeOutboxOld", "NotificationsFailing"}


def test_a_bridge_that_is_down_explains_webhooks_alone(
    suppressed: Callable[[list[Labels]], set[str]],
) -> None:
    alerts = [
        alert("BridgeDown", "critical", scope="service", service="bridge"),
        alert("NotificationsFailing", "critical", service="alertmanager", integration="pagerduty"),
    ]

    assert suppressed(alerts) == set()


def test_one_instance_or_a_figure_that_is_down(suppressed: Callable[[list[Labels]], set[str]]) -> None:
    alerts = [
        alert("TargetDown", instance="b"),
        alert("ClickThroughRateDown", action="retrain"),
        alert("RecommenderLatencyHigh", symptom="latency"),
    ]

    assert suppressed(alerts) == set()


def test_a_pod_that_is_down_by_the_rules_of_kubernetes(
    suppressed: Callable[[list[Labels]], set[str]],
) -> None:
    """kube-prometheus has a TargetDown too, without `instance`: one pod of three is down, and two serve."""
    alerts = [
        {
            "alertname": "TargetDown",
            "severity": "warning",
            "namespace": "shop",
            "job": "recommender",
            "service": ON["service"],
        },
        alert("TargetDown", instance="b"),
        alert("RecommenderErrorRateHigh", "critical", symptom="errors"),
        alert("HttpLatencyHigh", route="/events"),
        alert("DataBroken"),
    ]

    assert suppressed(alerts) == set()


def test_an_alert_without_service(suppressed: Callable[[list[Labels]], set[str]]) -> None:
    alerts = [
        {"alertname": "RecommenderDown", "severity": "critical", "scope": "service"},
        {"alertname": "Theirs", "severity": "warning"},
    ]

    assert suppressed(alerts) == set()


@pytest.mark.parametrize(
    ("burn", "plain", "symptom"),
    [
        ("AvailabilityBudgetBurn", "RecommenderErrorRateHigh", "errors"),
        ("LatencyBudgetBurn", "RecommenderLatencyHigh", "latency"),
        ("LatencyBudgetBurn", "RecommenderLatencyP99High", "latency"),
    ],
)
def test_a_page_of_an_slo(burn: str, plain: str, symptom: str, held_back: Fire) -> None:
    ticket = alert(burn, symptom=symptom, long="3d", short="6h")
    same = alert(plain, symptom=symptom)
    alerts = [
        alert(burn, "critical", symptom=symptom, long="1h", short="5m"),
        alert(burn, "critical", symptom=symptom, long="6h", short="30m"),
        ticket,
        same,
        {**same, "model": "bpr"},
        {**same, "service": "another"},
        {**same, "symptom": "another"},
        alert("RecommenderErrorsAfterPromotion", "critical", symptom=symptom, action="rollback"),
    ]

    found = held_back(alerts)
    assert sorted(found, key=str) == sorted([ticket, same], key=str)


@pytest.mark.parametrize(
    ("name", "labels"),
    [("RecommenderErrorRateHigh", {}), ("AvailabilityBudgetBurn", {"long": "1h", "short": "5m"})],
)
def test_recommendations_that_fail_explain_their_routes(
    name: str, labels: Labels, held_back: Fire, by_name: dict[str, Labels]
) -> None:
    routes = {**by_name["HttpErrorRateHigh"], "service": "recommender"}
    alerts = [
        alert(name, "critical", symptom="errors", **labels),
        routes,
        {**routes, "service": "another"},
        {**by_name["HttpLatencyHigh"], "service": "recommender"},
    ]

    assert held_back(alerts) == [routes]


def test_few_requests_of_an_hour_ago_explain_no_routes(
    suppressed: Callable[[list[Labels]], set[str]],
) -> None:
    alerts = [
        alert("RecommenderErrorRateHigh", "critical", symptom="errors", type="slow"),
        alert("HttpErrorRateHigh", "critical", symptom="errors", route="/"),
    ]

    assert suppressed(alerts) == set()


def test_a_ticket_of_an_slo(suppressed: Callable[[list[Labels]], set[str]]) -> None:
    alerts = [
        alert("AvailabilityBudgetBurn", symptom="errors", long="3d", short="6h"),
        alert("RecommenderErrorRateHigh", "critical", symptom="errors"),
    ]

    assert suppressed(alerts) == set()


def test_what_failed_is_silent(held_back: Fire) -> None:
    silent = [
        alert("DriftCheckSilent", check="titles"),
        alert("TrainingSilent"),
        alert("PipelineSilent", pipeline="nightly"),
    ]
    alerts = [
        alert("DriftCheckFailing", check="titles"),
        alert("TrainingFailed"),
        alert("PipelineFailed", pipeline="nightly"),
        *silent,
        alert("DriftCheckSilent", check="ratings"),
        alert("TrainingSilent", model="bpr"),
        alert("PipelineSilent", pipeline="hourly"),
    ]

    assert sorted(held_back(alerts), key=str) == sorted(silent, key=str)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("RuleEvaluationFailing", "rule_group"),
        ("NotificationsFailing", "integration"),
        ("BridgeStoreErrors", "operation"),
    ],
)
def test_what_pages_is_not_told_as_a_warning_too(name: str, label: str, held_back: Fire) -> None:
    page = alert(name, "critical", **{label: "accept"})
    warning = {**page, "severity": "warning"}

    assert held_back([page, warning, {**warning, label: "send"}, {**warning, "service": "another"}]) == [
        warning
    ]
