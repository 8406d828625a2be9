"""The shipped inhibition rules in a real Alertmanager, with the labels that Prometheus gives to alerts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from recwatch.testing import wait_until

Labels = dict[str, str]
Fire = Callable[[list[Labels]], list[Labels]]
ON = {"service": "recommender", "model": "als"}
DOWN = {"RecommenderDown", "DriftExporterDown", "BridgeDown", "TargetDown"}
BURNS = {"AvailabilityBudgetBurn", "LatencyBudgetBurn"}
ERRORS = {"RecommenderErrorRateHigh"}
FAILED = {"DriftCheckFailing", "TrainingFailed", "PipelineFailed"}
TWICE = {"RuleEvaluationFailing", "NotificationsFailing", "BridgeStoreErrors"}
"""A warning at first, a page where it goes on."""


@pytest.fixture(scope="module")
def url(
    run_alertmanager: Callable[..., AbstractContextManager[Any]],
    config: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """An Alertmanager with the inhibition rules that are shipped, and nobody to tell."""
    settings = {
        "route": {"receiver": "nobody", "group_by": ["..."], "group_wait": "100ms"},
        "inhibit_rules": config["inhibit_rules"],
        "receivers": [{"name": "nobody"}],
    }
    with run_alertmanager(tmp_path_factory.mktemp("alertmanager"), settings) as program:
        yield program.url


@pytest.fixture
def held_back(url: str, request: pytest.FixtureRequest) -> Iterator[Fire]:
    """Fire alerts; which of them are held back. The alerts of a test are over with it."""
    case = request.node.name
    sent: list[Labels] = []

    def send(alerts: list[Labels], **more: str) -> None:
        body = [{"labels": labels, **more} for labels in alerts]
        requests.post(f"{url}/api/v2/alerts", json=body, timeout=10).raise_for_status()

    def states() -> list[tuple[Labels, bool]]:
        answer = requests.get(f"{url}/api/v2/alerts", params={"filter": f'case="{case}"'}, timeout=10)
        return [(found["labels"], found["status"]["state"] == "suppressed") for found in answer.json()]

    def fire(alerts: list[Labels]) -> list[Labels]:
        # Alertmanager takes them one after the other: what the last one holds back says that all are known.
        last = alert("DriftCheckSilent", service="last", check="last")
        given = [*alerts, last, {**last, "alertname": "DriftCheckFailing"}]
        given = [{**labels, "case": case} for labels in given]
        sent.extend(given)
        send(given)
        wait_until(lambda: ({**last, "case": case}, True) in states(), timeout=30)
        found = states()
        assert len(found) == len(given)
        return [
            {name: value for name, value in labels.items() if name != "case"}
            for labels, suppressed in found
            if suppressed and labels.get("check") != "last"
        ]

    yield fire
    send(sent, endsAt="2026-01-01T00:00:00Z", startsAt="2025-01-01T00:00:00Z")
    wait_until(lambda: not states(), timeout=30)


@pytest.fixture
def suppressed(held_back: Fire) -> Callable[[list[Labels]], set[str]]:
    """The names of what is held back."""
    return lambda alerts: {labels["alertname"] for labels in held_back(alerts)}


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


# Every alert of the pack, with every set of labels that the promtool tests expect.


def test_the_names_of_what_is_down_are_all_that_the_stack_has(alert_names: set[str], folder: Path) -> None:
    stack = yaml.safe_load((folder.parent / "prometheus" / "rules" / "stack.yml").read_text("utf-8"))
    ends = {rule["alert"] for group in stack["groups"] for rule in group["rules"]}

    assert {name for name in ends if name.endswith("Down")} == DOWN
    assert alert_names >= DOWN


def test_no_alert_of_the_pack_silences_itself(samples: list[Labels], held_back: Fire) -> None:
    alone = [
        {**labels, "service": str(number)}
        for number, labels in enumerate(samples)
        if labels["alertname"] != "NotificationsFailing"  # by BridgeDown of any service
    ]

    assert held_back(alone) == []


def test_nothing_silences_what_is_down_the_watchdog_or_what_starts_something(
    samples: list[Labels], held_back: Fire
) -> None:
    held = held_back(_on_one_service(samples))

    assert "RecommenderLatencyHigh" in {labels["alertname"] for labels in held}
    assert any("action" in labels for labels in samples)
    for labels in held:
        assert "action" not in labels
        assert labels["alertname"] not in {"Watchdog", *DOWN} or "instance" in labels
        assert "scope" not in labels


def test_nothing_else_silences_anything(samples: list[Labels], held_back: Fire) -> None:
    sources = DOWN | BURNS | FAILED | ERRORS | TWICE
    others = [labels for labels in samples if labels["alertname"] not in sources]

    assert held_back(_on_one_service(others)) == []


def _on_one_service(samples: list[Labels]) -> list[Labels]:
    given = [{**labels, "service": ON["service"]} for labels in samples]
    return [labels for position, labels in enumerate(given) if labels not in given[:position]]
