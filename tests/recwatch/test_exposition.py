import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from recwatch.exposition import Selection, render, without_created


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
