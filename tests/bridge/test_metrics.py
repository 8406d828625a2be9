import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy.exc import OperationalError

from recwatch_bridge.delivering.outbox import Backlog
from recwatch_bridge.metrics import BridgeMetrics

DOCS = Path(__file__).resolve().parents[2] / "docs" / "bridge-reference.md"


def names(registry: CollectorRegistry) -> set[str]:
    suffix = {"counter": "_total"}
    return {f"{family.name}{suffix.get(family.type, '')}" for family in registry.collect()}


def test_known_labels_start_at_zero(registry: CollectorRegistry, metrics: BridgeMetrics) -> None:
    metrics.watch_outbox(["email", "slack"], lambda: {"email": Backlog(pending=2, oldest=5.0, dead=1)})
    value = registry.get_sample_value
    assert value("bridge_deliveries_total", {"sink": "slack", "outcome": "dead"}) == 0
    assert value("bridge_promotions_total", {"model": "als", "outcome": "error"}) == 0
    assert value("bridge_rollbacks_total", {"model": "als", "outcome": "success"}) == 0
    assert value("bridge_outbox_pending", {"sink": "email"}) == 2
    assert value("bridge_outbox_pending", {"sink": "slack"}) == 0
    assert value("bridge_dead_letters", {"sink": "email"}) == 1
    assert value("bridge_outbox_oldest_timestamp_seconds", {"sink": "email"}) == 5.0
    assert value("bridge_outbox_oldest_timestamp_seconds", {"sink": "slack"}) is None


def test_messages_of_a_sink_that_is_gone_are_counted(
    registry: CollectorRegistry, metrics: BridgeMetrics
) -> None:
    metrics.watch_outbox(["email"], lambda: {"email": Backlog(), "slack": Backlog(pending=3, oldest=5.0)})
    assert registry.get_sample_value("bridge_outbox_pending", {"sink": "slack"}) == 3


def test_scrape_outlives_the_database(registry: CollectorRegistry, metrics: BridgeMetrics) -> None:
    def broken() -> dict[str, Backlog]:
        raise OperationalError("select", None, Exception("disk I/O error"))

    metrics.watch_outbox(["email"], broken)
    assert b"bridge_retrains_total" in generate_latest(registry)
    assert registry.get_sample_value("bridge_store_errors_total", {"operation": "read"}) == 1


def test_every_metric_is_documented(registry: CollectorRegistry, metrics: BridgeMetrics) -> None:
    metrics.watch_outbox([], dict)
    documented = set(re.findall(r"^\| `(bridge_\w+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert names(registry) == documented
