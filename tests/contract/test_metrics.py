"""One list of metrics: what the code declares, docs/metrics.md says, and rules and dashboards read."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.metrics import (
    DroppedWrites,
    HealthMetrics,
    HttpMetrics,
    PipelineMetrics,
    QualityMetrics,
    ServingMetrics,
    TrainingMetrics,
)
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_exporter.metrics import DriftCollector, ReloadStatus
from recwatch_exporter.process.state import State

# Prometheus's and Alertmanager's own, of every process, added by the Pushgateway, or written by users.
BUILT_IN = {
    "ALERTS",
    "ALERTS_FOR_STATE",
    "alert_model:threshold:own",
    "alertmanager_alerts",
    "alertmanager_config_last_reload_successful",
    "alertmanager_notifications_failed_total",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "prometheus_build_info",
    "prometheus_config_last_reload_successful",
    "prometheus_notifications_alertmanagers_discovered",
    "prometheus_notifications_errors_total",
    "prometheus_notifications_latency_seconds_count",
    "prometheus_notifications_queue_capacity",
    "prometheus_notifications_queue_length",
    "prometheus_notifications_sent_total",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_interval_seconds",
    "prometheus_rule_group_iterations_missed_total",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_storage_blocks_bytes",
    "push_failure_time_seconds",
    "push_time_seconds",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "service:memory_limit_bytes:own",
    "up",
}
PARTS = (
    DroppedWrites,
    HttpMetrics,
    ServingMetrics,
    TrainingMetrics,
    PipelineMetrics,
    QualityMetrics,
    HealthMetrics,
)
SUFFIXES = ("_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def declared() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Type and labels of every metric that the three parts put on a registry."""
    registry = CollectorRegistry()
    for part in PARTS:
        part.of(registry)
    BridgeMetrics(registry, sinks=["email"], models=["als"]).watch_outbox(["email"], dict)
    registry.register(DriftCollector(State(), ReloadStatus()))
    found = {}
    for collector in registry._collector_to_names:
        for family in collector.describe() if hasattr(collector, "describe") else ():
            labels = getattr(collector, "_labelnames", None)
            labels = tuple(family._labelnames if labels is None else labels)
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, labels)
    return found


def _base(name: str, declared: dict[str, Any]) -> str:
    """The metric that a series belongs to: a histogram has three."""
    for suffix in SUFFIXES:
        stem = name.removesuffix(suffix)
        if stem != name and declared.get(stem, ("",))[0] == "histogram":
            return stem
    return name


def test_every_part_declares_something(declared: dict[str, Any]) -> None:
    for prefix in (
        "http_",
        "recwatch_",
        "recommender_",
        "training_",
        "pipeline_",
        "model_",
        "health_",
        "drift_",
        "bridge_",
    ):
        assert [name for name in declared if name.startswith(prefix)], prefix


def test_the_page_lists_what_the_code_declares_and_nothing_else(
    declared: dict[str, Any], documented: dict[str, Any], recorded: set[str]
) -> None:
    of_code = {name for name, row in documented.items() if row.type != "recorded"}
    assert of_code == set(declared)
    assert {name for name, row in documented.items() if row.type == "recorded"} == recorded


def test_types_and_labels_are_as_documented(declared: dict[str, Any], documented: dict[str, Any]) -> None:
    for name, (kind, labels) in declared.items():
        row = documented[name]
        assert (row.type, sorted(row.labels)) == (kind, sorted(labels)), name


def test_names_follow_prometheus(declared: dict[str, Any]) -> None:
    for name, (kind, labels) in declared.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert not name.endswith(("_age", "_age_seconds", "_ms", "_percent")), name
        assert not {"user", "user_id", "item", "item_id", "le"} & set(labels), name


def test_whatever_rules_and_dashboards_read_exists(
    declared: dict[str, Any], recorded: set[str], read_by_rules: set[str], read_by_board: dict[str, set[str]]
) -> None:
    known = set(declared) | recorded | BUILT_IN
    for place, names in {"rules": read_by_rules, **read_by_board}.items():
        assert names, place
        assert {_base(name, declared) for name in names} - known == set(), place


def test_the_page_says_who_reads_what(
    declared: dict[str, Any],
    documented: dict[str, Any],
    read_by_rules: set[str],
    read_by_board: dict[str, set[str]],
) -> None:
    readers: dict[str, set[str]] = {name: set() for name in documented}
    for place, names in {"rules": read_by_rules, **read_by_board}.items():
        for name in names:
            readers.get(_base(name, declared), set()).add(place)
    said = {name: set(row.readers) - {"people"} for name, row in documented.items()}
    assert said == readers
    assert [name for name, row in documented.items() if not row.readers] == []


def test_the_page_names_the_documents_that_it_speaks_of(root: Path) -> None:
    text = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert all(name in text for name in sorted(BUILT_IN))
