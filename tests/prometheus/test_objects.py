from typing import Any

import pytest

from recwatch_rules.objects import Metadata, dashboard, kustomization, prometheus_rule, service_monitor

DEFAULTS = {"scrape_interval": "15s", "scrape_timeout": "10s", "sample_limit": 5, "body_size_limit": "1MB"}
PLAIN = Metadata()


def endpoint(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = service_monitor(job, DEFAULTS, PLAIN)["spec"]["endpoints"]
    assert isinstance(found, dict)
    return found


def test_every_object_has_the_namespace_and_the_labels_that_were_given() -> None:
    metadata = Metadata("monitoring", {"release": "stack"})
    labels = {"app.kubernetes.io/part-of": "recwatch", "release": "stack"}

    assert prometheus_rule("recording.drift", [], metadata)["metadata"] == {
        "name": "recwatch-recording-drift",
        "namespace": "monitoring",
        "labels": labels,
    }
    assert dashboard("drift", "{}", metadata)["metadata"]["labels"] == {**labels, "grafana_dashboard": "1"}
    assert "namespace" not in prometheus_rule("drift", [], PLAIN)["metadata"]


def test_a_part_is_found_by_its_name_and_keeps_the_labels_that_rules_go_by() -> None:
    monitor = service_monitor({"job_name": "bridge"}, DEFAULTS, PLAIN)

    assert monitor["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "bridge",
        "app.kubernetes.io/part-of": "recwatch",
    }
    assert monitor["spec"]["endpoints"][0]["port"] == "http"
    assert monitor["spec"]["endpoints"][0]["relabelings"] == [
        {"targetLabel": "job", "replacement": "bridge"},
        {"targetLabel": "service", "replacement": "bridge"},
    ]
    assert (monitor["spec"]["sampleLimit"], monitor["spec"]["bodySizeLimit"]) == (5, "1MB")


def test_each_recommender_is_a_service_of_its_own_name() -> None:
    assert endpoint({"job_name": "recommender"})["relabelings"] == [
        {"targetLabel": "job", "replacement": "recommender"}
    ]


def test_prometheus_and_alertmanager_are_those_that_the_operator_runs() -> None:
    for name in ("prometheus", "alertmanager"):
        monitor = service_monitor({"job_name": name}, DEFAULTS, PLAIN)
        assert monitor["spec"]["selector"]["matchLabels"] == {f"operated-{name}": "true"}
        assert monitor["spec"]["endpoints"][0]["port"] == "web"


@pytest.mark.parametrize(
    ("namespaces", "expected"), [((), {"any": True}), (("shop", "films"), {"matchNames": ["shop", "films"]})]
)
def test_a_recommender_may_be_in_another_namespace(
    namespaces: tuple[str, ...], expected: dict[str, Any]
) -> None:
    monitor = service_monitor({"job_name": "recommender"}, DEFAULTS, PLAIN, namespaces)

    assert monitor["spec"]["namespaceSelector"] == expected


def test_prometheus_is_looked_for_in_its_own_namespace() -> None:
    monitor = service_monitor({"job_name": "prometheus"}, DEFAULTS, PLAIN, ["shop"])

    assert "namespaceSelector" not in monitor["spec"]


def test_what_a_job_says_of_itself_goes_before_what_holds_for_all() -> None:
    found = endpoint(
        {
            "job_name": "pushgateway",
            "scrape_interval": "1m",
            "metrics_path": "/push",
            "honor_labels": True,
            "metric_relabel_configs": [{"source_labels": ["job"], "target_label": "service"}],
        }
    )

    assert (found["interval"], found["scrapeTimeout"], found["path"]) == ("1m", "10s", "/push")
    assert found["honorLabels"] is True
    assert found["metricRelabelings"] == [{"sourceLabels": ["job"], "targetLabel": "service"}]


def test_a_kustomization_lists_every_file() -> None:
    assert kustomization(["b.yaml", "a.yaml"], "monitoring") == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "monitoring",
        "resources": ["a.yaml", "b.yaml"],
    }
    assert "namespace" not in kustomization([], "")
