import threading

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from recwatch.exposition import render, without_created
from recwatch.histogram import Histogram, observe_all

BUCKETS = (0.1, 0.5, 1, 2.5)

bounds = st.lists(st.floats(-10, 10), min_size=1, max_size=6, unique=True).map(sorted)
amounts = st.lists(st.one_of(st.floats(-20, 20), st.sampled_from([-10.0, 0.0, 1.0, 10.0])), max_size=30)


@given(bounds, amounts, amounts)
def test_it_shows_what_prometheus_clients_own_shows(
    bounds: list[float], first: list[float], second: list[float]
) -> None:
    pages = []
    for kind in (Histogram, prometheus_client.Histogram):
        registry = CollectorRegistry()
        histogram = kind("seconds", 'Its "meaning".', ["route", "method"], registry=registry, buckets=bounds)
        histogram.labels("/a\n", 1).observe(0)
        for amount in first:
            histogram.labels("/a\n", "1").observe(amount)
        observe_all(histogram.labels(method="get", route="/b"), second)
        pages.append(generate_latest(without_created(registry)).decode())
    assert pages[0] == pages[1]


def test_without_labels() -> None:
    registry = CollectorRegistry()
    Histogram("seconds", "Seconds.", registry=registry, buckets=BUCKETS).observe(0.5)
    assert registry.get_sample_value("seconds_bucket", {"le": "0.5"}) == 1
    assert registry.get_sample_value("seconds_bucket", {"le": "0.1"}) == 0
    assert registry.get_sample_value("seconds_sum") == 0.5


def test_an_exemplar_stands_at_its_bucket() -> None:
    registry = CollectorRegistry()
    series = Histogram("seconds", "Seconds.", ["a"], registry=registry, buckets=BUCKETS).labels("b")
    series.observe(0.4, {"request_id": "one"})
    series.observe(0.3)
    series.observe(9, {"request_id": "two"})
    page, _ = render(registry, "application/openmetrics-text; version=1.0.0")
    lines = [line.rsplit(" ", 1)[0] for line in page.decode().splitlines() if "#" in line[1:]]
    assert lines == [
        'seconds_bucket{a="b",le="0.5"} 2.0 # {request_id="one"} 0.4',
        'seconds_bucket{a="b",le="+Inf"} 3.0 # {request_id="two"} 9.0',
    ]


def test_a_series_is_absent_once_removed() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("seconds", "Seconds.", ["a"], registry=registry, buckets=BUCKETS)
    histogram.labels("b")
    histogram.remove("b")
    histogram.remove("b")
    assert registry.get_sample_value("seconds_count", {"a": "b"}) is None


def test_a_name_is_taken_once() -> None:
    registry = CollectorRegistry()
    Histogram("seconds", "Seconds.", registry=registry)
    for kind in (Histogram, prometheus_client.Histogram):
        with pytest.raises(ValueError, match="Duplicated timeseries"):
            kind("seconds", "Taken.", registry=registry)


@pytest.mark.parametrize("buckets", [(), (1, 1), (2, 1)])
def test_bounds_must_ascend(buckets: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="buckets of seconds: give upper bounds in ascending order"):
        Histogram("seconds", "Seconds.", registry=None, buckets=buckets)


def test_labels_must_be_those_declared() -> None:
    histogram = Histogram("seconds", "Seconds.", ["a", "b"], registry=None)
    for values, named in (
        ((), {}),
        (("1",), {}),
        (("1", "2", "3"), {}),
        ((), {"a": "1"}),
        (("1",), {"b": "2"}),
    ):
        with pytest.raises(ValueError, match="seconds has the labels a, b: give a value of each"):
            histogram.labels(*values, **named)


def test_threads_lose_no_observation() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("seconds", "Seconds.", ["a"], registry=registry, buckets=BUCKETS)

    def observe() -> None:
        for _ in range(2_000):
            histogram.labels("b").observe(0.25)

    threads = [threading.Thread(target=observe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.get_sample_value("seconds_count", {"a": "b"}) == 16_000
    assert registry.get_sample_value("seconds_sum", {"a": "b"}) == 4_000
