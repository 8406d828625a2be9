"""Every metric of the drift exporter, made at each scrape from the last results."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from recwatch import __version__
from recwatch_exporter.process.schedule import longest_gap
from recwatch_exporter.process.state import CheckState, State
from recwatch_exporter.results import Finding

_FINDING = ("check", "type", "feature", "segment")
_GAUGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("drift_statistic", "The statistic of the check's type, at the last success.", _FINDING),
    ("drift_p_value", "How often chance alone is as bad; absent where the type has no p-value.", _FINDING),
    ("drift_effect_size", "What is held against the threshold, in the threshold's unit.", _FINDING),
    ("drift_threshold", "The check's threshold, as configured.", _FINDING),
    (
        "drift_detected",
        "1 where the effect reaches the threshold, is significant, and there are enough rows.",
        _FINDING,
    ),
    (
        "drift_check_model_info",
        "Which models a check speaks for; no model is an empty label.",
        ("check", "model"),
    ),
    ("drift_rows", "Rows of a window (reference, current).", ("check", "window")),
    ("drift_min_rows", "Rows that each window needs before drift can be detected.", ("check",)),
    ("drift_alpha", "The p-value at or below which a drift is significant.", ("check",)),
    ("drift_check_success", "1 if the last run succeeded; absent before the first run.", ("check",)),
    (
        "drift_check_last_success_timestamp_seconds",
        "When the check last succeeded; 0 before that.",
        ("check",),
    ),
    (
        "drift_check_interval_seconds",
        "The longest time between two runs that the schedule allows.",
        ("check",),
    ),
    ("drift_check_duration_seconds", "How long the last run took.", ("check",)),
    (
        "drift_source_timestamp_seconds",
        "The newest record of a window's source: freshness.",
        ("check", "window"),
    ),
    (
        "drift_exporter_config_last_reload_successful",
        "1 if the last load of the configuration succeeded.",
        (),
    ),
    (
        "drift_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last loaded.",
        (),
    ),
    ("drift_exporter_build_info", "The exporter's version.", ("version",)),
)
_FAILURES = ("drift_check_failures", "Runs that failed, by reason.", ("check", "reason"))


def metric_names() -> dict[str, tuple[str, ...]]:
    """Every metric that the exporter has, with its labels."""
    return {name: labels for name, _, labels in _GAUGES} | {f"{_FAILURES[0]}_total": _FAILURES[2]}


@dataclass
class ReloadStatus:
    """How the last load of the configuration went."""

    successful: bool = False
    succeeded_at: float = 0.0


class DriftCollector(Collector):
    """The last results as metrics.

    Register it with `registry.register(DriftCollector(state, reload))`.
    """

    def __init__(self, state: State, reload: ReloadStatus) -> None:
        self._state = state
        self._reload = reload

    def describe(self) -> Iterable[Metric]:
        """The metrics without their values, so that a name taken twice is found at registration."""
        return (*_gauges().values(), _failures())

    def collect(self) -> Iterator[Metric]:
        """The metrics of all checks as they are now."""
        gauges, failures = _gauges(), _failures()
        for state in self._state.all():
            _add_check(gauges, state)
            for finding in state.result.findings if state.result else ():
                _add_finding(gauges, state.check.name, finding)
            for reason, count in state.failures.items():
                failures.add_metric((state.check.name, reason), count)
        gauges["drift_exporter_config_last_reload_successful"].add_metric((), self._reload.successful)
        gauges["drift_exporter_config_last_reload_success_timestamp_seconds"].add_metric(
            (), self._reload.succeeded_at
        )
        gauges["drift_exporter_build_info"].add_metric((__version__,), 1)
        yield from gauges.values()
        yield failures


def _gauges() -> dict[str, GaugeMetricFamily]:
    return {name: GaugeMetricFamily(name, text, labels=labels) for name, text, labels in _GAUGES}


def _failures() -> CounterMetricFamily:
    name, text, labels = _FAILURES
    return CounterMetricFamily(name, text, labels=labels)


def _add_check(gauges: dict[str, GaugeMetricFamily], state: CheckState) -> None:
    check, result = state.check, state.result
    name = check.name
    for model in check.models or ("",):
        gauges["drift_check_model_info"].add_metric((name, model), 1)
    gauges["drift_min_rows"].add_metric((name,), check.min_rows)
    gauges["drift_alpha"].add_metric((name,), check.alpha)
    gauges["drift_check_last_success_timestamp_seconds"].add_metric((name,), state.last_success)
    gauges["drift_check_interval_seconds"].add_metric((name,), longest_gap(check.schedule).total_seconds())
    if state.success is not None:
        gauges["drift_check_success"].add_metric((name,), state.success)
    if state.duration is not None:
        gauges["drift_check_duration_seconds"].add_metric((name,), state.duration)
    if result is None:
        gauges["drift_threshold"].add_metric((name, check.type, check.label, "all"), check.threshold)
        return
    for window, rows in result.rows.items():
        gauges["drift_rows"].add_metric((name, window), rows)
    for window, newest in result.newest.items():
        gauges["drift_source_timestamp_seconds"].add_metric((name, window), newest.timestamp())


def _add_finding(gauges: dict[str, GaugeMetricFamily], name: str, finding: Finding) -> None:
    labels = (name, finding.type, finding.feature, finding.segment)
    values = {
        "drift_statistic": finding.statistic,
        "drift_p_value": finding.p_value,
        "drift_effect_size": finding.effect_size,
        "drift_threshold": finding.threshold,
        "drift_detected": finding.detected,
    }
    for metric, value in values.items():
        if value is not None:
            gauges[metric].add_metric(labels, value)
