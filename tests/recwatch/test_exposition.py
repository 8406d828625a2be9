import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    Metric,
    PlatformCollector,
    Summary,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from recwatch.exposition import Selection, forget, render, without_created
from recwatch.metrics import DroppedWrites


@pytest.fixture
def filled(registry: CollectorRegistry) -> CollectorRegistry:
    Counter("runs_total", "Runs.", ["model"], registry=registry).labels("als").inc(3)
    Histogram("time_seconds", "Time.", registry=registry, buckets=(1.0,)).observe(0.5)
    Gauge("user_created", "Not a series of prometheus_client's.", registry=registry).set(7)
    Counter("unused_total", "Has labels but no child yet.", ["model"], registry=registry)
    return registry


def test_created_series_are_left_out_and_nothing_else(filled: CollectorRegistry) -> None:
    body, content_type = render(filled)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert samples == {
        ("runs_total", "als"): 3,
        ("time_seconds_bucket", "1.0"): 1,
        ("time_seconds_bucket", "+Inf"): 1,
        ("time_seconds_count",): 1,
        ("time_seconds_sum",): 0.5,
        ("user_created",): 7,
    }
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"unused_total" not in body


def test_the_registry_itself_is_left_as_it_was(filled: CollectorRegistry) -> None:
    before = generate_latest(filled)
    assert b"runs_created" in before
    render(filled)
    assert generate_latest(filled) == before


def test_openmetrics_where_the_scraper_asks_for_it(filled: CollectorRegistry) -> None:
    body, content_type = render(filled, "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    names = {
        sample.name
        for family in parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
    assert "runs_total" in names
    assert "runs_created" not in names


def test_a_selection_leaves_out_families_that_it_empties(filled: CollectorRegistry) -> None:
    selected = Selection(without_created(filled), lambda _, sample: sample.labels.get("model") == "als")
    assert [family.name for family in selected.collect() if family.samples] == ["runs"]


def test_the_text_is_that_of_prometheus_client_byte_for_byte(filled: CollectorRegistry) -> None:
    filled.unregister(filled._names_to_collectors["unused_total"])
    GCCollector(filled)
    PlatformCollector(filled)
    Info("build", "Build: \\ and \n.", registry=filled).info({"version": '1"\\'})
    Summary("size_bytes", "Size.", ["a"], registry=filled).labels("\n").observe(2e9)
    text = generate_latest(filled).decode()
    lines = text.splitlines(keepends=True)
    created = [
        number
        for number, line in enumerate(lines)
        for name in ("runs", "time_seconds", "size_bytes")
        if line.startswith((f"{name}_created", f"# HELP {name}_created", f"# TYPE {name}_created"))
    ]
    assert len(created) == 9
    expected = "".join(line for number, line in enumerate(lines) if number not in created)
    assert render(filled)[0].decode() == expected


def test_one_broken_metric_does_not_hide_the_others(
    filled: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __init__(self, families: list[Metric]) -> None:
            self.families = families

        def collect(self) -> Iterator[Metric]:
            yield from self.families
            raise RuntimeError("no database today")

    unwritable = Metric("text_value", "Has a text for a value.", "gauge")
    unwritable.add_sample("text_value", {}, "much")  # type: ignore[arg-type]
    filled.register(Broken([GaugeMetricFamily("half", "Collected before.", 1.0)]))
    filled.register(Broken([unwritable]))
    Counter("last_total", "Registered after the broken ones.", registry=filled).inc()
    for accept in ("", "application/openmetrics-text; version=1.0.0"):
        text = render(filled, accept)[0].decode()
        assert 'runs_total{model="als"} 3.0' in text
        assert "half 1.0" in text
        assert "last_total 1.0" in text
        assert "text_value" not in text
    labels = {"target": "metrics", "reason": "scrape"}
    (family,) = DroppedWrites.of(filled).total.collect()
    assert [sample.value for sample in family.samples if sample.labels == labels][:1] == [4]
    assert "no database today" in caplog.text


def test_a_forgotten_gauge_is_absent_until_it_is_set_again(registry: CollectorRegistry) -> None:
    labelled = Gauge("labelled", "With labels.", ["model"], registry=registry)
    plain = Gauge("plain", "Without.", registry=registry)
    for model in ("als", "bpr"):
        labelled.labels(model).set(1)
    plain.set(1)
    forget(labelled, "als")
    forget(labelled, "never set")
    forget(plain)
    text = render(registry)[0].decode()
    assert 'labelled{model="bpr"} 1.0' in text
    assert "als" not in text
    assert "plain" not in text
    plain.set(2)
    assert b"plain 2.0" in render(registry)[0]


FORGETS = """
import sys
from prometheus_client import CollectorRegistry, Gauge
from recwatch.exposition import forget, render
registry = CollectorRegistry()
gauge = Gauge("quality", "Quality.", ["model"], registry=registry, multiprocess_mode="mostrecent")
gauge.labels("als").set(1)
gauge.labels("bpr").set(1)
forget(gauge, "als")
print(render(registry)[0].decode())
"""


def test_a_gauge_is_forgotten_where_several_processes_write(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", FORGETS],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert 'quality{model="bpr"} 1.0' in result.stdout
        assert "als" not in result.stdout


def test_threads_take_short_turns_while_a_scrape_is_written(registry: CollectorRegistry) -> None:
    seen = []

    class Slow:
        def collect(self) -> list[Metric]:
            seen.append(sys.getswitchinterval())
            if len(seen) == 1:
                render(registry)  # another scrape at the same time
                seen.append(sys.getswitchinterval())
            return []

    usual = sys.getswitchinterval()
    registry.register(Slow())
    render(registry)
    assert seen == pytest.approx([0.0005, 0.0005, 0.0005])
    assert sys.getswitchinterval() == usual
