"""Every metric of the drift exporter, made from the last results."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from recwatch import __version__
from recwatch_exporter.process.schedule import longest_gap
from recwatch_exporter.process.state import CheckState, State
from recwatch_exporter.process.storage import OPERATIONS, Storage
from recwatch_exporter.results import CheckResult, Finding
from recwatch_exporter.texts import bounded

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
    (
        "drift_features_detected_ratio",
        "The share of a check's features in which drift is detected; absent for a check of one feature.",
        ("check",),
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
_COUNTERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("drift_check_failures", "Runs that failed, by reason.", ("check", "reason")),
    (
        "drift_exporter_storage_failures",
        "How often the state file could not be read (load) or written (save).",
        ("operation",),
    ),
)


def metric_names() -> dict[str, tuple[str, ...]]:
    """Every metric that the exporter has, with its labels."""
    counters = {f"{name}_total": labels for name, _, labels in _COUNTERS}
    return {name: labels for name, _, labels in _GAUGES} | counters


Families = dict[str, Metric]


@dataclass
class ReloadStatus:
    """How the last load of the configuration went."""

    successful: bool = False
    succeeded_at: float = 0.0


class DriftCollector(Collector):
    """The last results as metrics; `exposition` writes the same faster.

    Register it with `registry.register(DriftCollector(state, reload))`.
    """

    def __init__(self, state: State, reload: ReloadStatus, storage: Storage | None = None) -> None:
        self._state = state
        self._reload = reload
        self._storage = storage

    def describe(self) -> Iterable[Metric]:
        """The metrics without their values, so that a name taken twice is found at registration."""
        return families().values()

    def collect(self) -> Iterator[Metric]:
        """The metrics of all checks as they are now."""
        found = families()
        for state in self._state.all():
            add_check(found, state)
        add_exporter(found, self._reload, self._storage)
        yield from found.values()


def families() -> Families:
    """Every metric, without values."""
    gauges: Families = {name: GaugeMetricFamily(name, text, labels=labels) for name, text, labels in _GAUGES}
    return gauges | {name: CounterMetricFamily(name, text, labels=labels) for name, text, labels in _COUNTERS}


def add_exporter(found: Families, reload: ReloadStatus, storage: Storage | None) -> None:
    """What the exporter says of itself."""
    _add(found, "drift_exporter_config_last_reload_successful", (), reload.successful)
    _add(found, "drift_exporter_config_last_reload_success_timestamp_seconds", (), reload.succeeded_at)
    _add(found, "drift_exporter_build_info", (__version__,), 1)
    for operation in OPERATIONS:
        failures = 0 if storage is None else storage.failures[operation]
        _add(found, "drift_exporter_storage_failures", (operation,), failures)


def _add(found: Families, name: str, labels: tuple[str, ...], value: float) -> None:
    family = found[name]
    assert isinstance(family, GaugeMetricFamily | CounterMetricFamily)  # noqa: S101 - as `families` makes them
    family.add_metric(labels, value)


def add_check(found: Families, state: CheckState) -> None:
    """What one check says."""
    check, result = state.check, state.result
    name = check.name
    for model in check.models or ("",):
        _add(found, "drift_check_model_info", (name, model), 1)
    _add(found, "drift_min_rows", (name,), check.min_rows)
    _add(found, "drift_alpha", (name,), check.alpha)
    _add(found, "drift_check_last_success_timestamp_seconds", (name,), state.last_success)
    _add(found, "drift_check_interval_seconds", (name,), longest_gap(check.schedule).total_seconds())
    if state.success is not None:
        _add(found, "drift_check_success", (name,), state.success)
    if state.duration is not None:
        _add(found, "drift_check_duration_seconds", (name,), state.duration)
    for reason, count in state.failures.items():
        _add(found, "drift_check_failures", (name, reason), count)
    if result is None:
        labels = (name, check.type, bounded(check.label), "all")
        _add(found, "drift_threshold", labels, check.threshold)
        return
    for window, rows in result.rows.items():
        _add(found, "drift_rows", (name, window), rows)
    for window, newest in result.newest.items():
        _add(found, "drift_source_timestamp_seconds", (name, window), newest.timestamp())
    if result.drifted_share is not None:
        _add(found, "drift_features_detected_ratio", (name,), result.drifted_share)
    _add_findings(found, name, result)


def _add_findings(found: Families, name: str, result: CheckResult) -> None:
    series: dict[tuple[str, str, str, str], Finding] = {}
    for finding in result.findings:
        # Prometheus refuses the whole scrape where one series stands twice.
        key = (name, finding.type, bounded(finding.feature), bounded(finding.segment))
        series.setdefault(key, finding)
    for key, finding in series.items():
        _add_finding(found, key, finding)


def _add_finding(found: Families, labels: tuple[str, ...], finding: Finding) -> None:
    values = {
        "drift_statistic": finding.statistic,
        "drift_p_value": finding.p_value,
        "drift_effect_size": finding.effect_size,
        "drift_threshold": finding.threshold,
        "drift_detected": None if finding.error is not None else finding.detected,
    }
    for metric, value in values.items():
        if value is not None:
            _add(found, metric, labels, value)
