import math
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

from recwatch import histogram, shared
from recwatch.errors import ConfigError
from recwatch.guarded import Guarded
from recwatch.metric_kinds import kind_of
from recwatch.pending import Fed

COUNTER, GAUGE, HISTOGRAM = prometheus_client.Counter, prometheus_client.Gauge, prometheus_client.Histogram


def test_one_process_has_prometheus_clients_but_for_the_histogram() -> None:
    counter: object = kind_of(COUNTER)("runs", "Runs.", ["model"], registry=None)
    times: object = kind_of(HISTOGRAM)("seconds", "Time.", ["model"], registry=None)
    assert isinstance(counter, COUNTER)
    assert isinstance(times, histogram.Histogram)
    assert isinstance(counter, Fed)
    assert isinstance(times, Fed)
    assert kind_of(GAUGE) is GAUGE


def test_several_processes_have_guarded_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    built: list[object] = [
        kind_of(build)("name", "Meaning.", ["model"], registry=None) for build in (COUNTER, GAUGE, HISTOGRAM)
    ]
    counter, gauge, times = built
    assert isinstance(counter, shared.Counter)
    assert isinstance(gauge, GAUGE)
    assert isinstance(times, shared.Histogram)
    assert all(isinstance(metric, Guarded) for metric in (counter, gauge, times))


def test_any_other_class_is_itself() -> None:
    assert kind_of(prometheus_client.Summary) is prometheus_client.Summary


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("amount", [math.nan, -1.0])
def test_a_counter_takes_nothing_that_would_spoil_it(
    amount: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, several: bool
) -> None:
    if several:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    registry = CollectorRegistry()
    runs = kind_of(COUNTER)("runs", "Runs.", ["model"], registry=registry).labels("als")
    with pytest.raises(ValueError, match="a counter cannot be incremented by"):
        runs.inc(amount)
    runs.inc(2)
    assert registry.get_sample_value("runs_total", {"model": "als"}) == 2


def test_a_folder_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    with pytest.raises(ConfigError, match="is set, but empty: unset it, or set it to a folder"):
        kind_of(COUNTER)
