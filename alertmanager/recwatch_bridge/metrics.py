"""Every metric of the bridge; docs/bridge-reference.md says what each means."""

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from recwatch_bridge.delivering.outbox import Backlog

STATUSES = ("firing", "resolved")
DELIVERY_OUTCOMES = ("delivered", "retry", "dead")
RETRAIN_TRIGGERS = ("alert", "manual", "schedule")
RETRAIN_STATUSES = ("promoted", "refused", "failed", "withdrawn")
OUTCOMES = ("success", "error")
ROLLBACK_OUTCOMES = ("success", "declined", "error")
APPROVAL_OUTCOMES = ("approved", "rejected", "expired")
WATCH_OUTCOMES = ("passed", "rolled_back", "not_rolled_back", "superseded", "unknown")
PICTURE_OUTCOMES = ("drawn", "failed", "skipped")
REPORT_OUTCOMES = ("complete", "with_holes", "error")
LOGIN_OUTCOMES = ("success", "refused")
IGNORED_REASONS = ("not_asked", "unknown_model", "cooling_down", "held", "seen")
REFUSALS = (
    "malformed",
    "unauthorised",
    "forbidden",
    "too_large",
    "rate_limited",
    "overloaded",
    "unknown_path",
)
KEEPER = "retention"
"""The name of the worker that deletes what is over."""
WATCHDOG = "watchdog"
"""The name of the worker that waits for Alertmanager's Watchdog."""
WEEKLY_LOOK = "weekly-look"
"""The name of the worker that asks Prometheus once a week."""
REPORTER = "report"
"""The name of the worker that sends the report."""
STORE_OPERATIONS = ("accept", "read", "manage")
# From a second (a small model) to six hours.
_DURATIONS = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 21600)

log = logging.getLogger(__name__)


def deliverer(sink: str) -> str:
    """Return the name of the worker that serves a sink."""
    return f"deliver-{sink}"


def retrainer(model: str) -> str:
    """Return the name of the worker that drives a model's runs."""
    return f"retrain-{model}"


class BridgeMetrics:
    """The bridge's metrics on one registry, all known label sets at 0 from the start.

    Args:
        registry: where they are registered.
        sinks: names of the sinks.
        models: names of the models.
    """

    def __init__(self, registry: CollectorRegistry, *, sinks: Sequence[str], models: Sequence[str]) -> None:
        self.registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self.alerts_received = counter(
            "bridge_alerts_received_total", "Alerts in webhooks, repeats included.", "status"
        )
        self.alerts_repeated = counter(
            "bridge_alerts_repeated_total", "Alerts that had been told before and cost nothing.", "status"
        )
        self.alerts_truncated = counter(
            "bridge_alerts_truncated_total", "Alerts that Alertmanager left out of a webhook."
        )
        self.alerts_ignored = counter(
            "bridge_alerts_ignored_total",
            "Alerts that asked for an action in vain.",
            "reason",
        )
        self.deliveries = counter(
            "bridge_deliveries_total", "Attempts to deliver a message.", "sink", "outcome"
        )
        self.recipients_refused = counter(
            "bridge_recipients_refused_total",
            "Recipients that a server refused for good of messages that others got.",
            "sink",
        )
        self.retrains = counter(
            "bridge_retrains_total", "Retraining runs that ended.", "model", "trigger", "status"
        )
        self.promotions = counter(
            "bridge_promotions_total", "Promotions, by the gate or by a person.", "model", "outcome"
        )
        self.rollbacks = counter(
            "bridge_rollbacks_total", "Rollbacks to an earlier version.", "model", "outcome"
        )
        self.reloads = counter(
            "bridge_reloads_total", "Services told to load a promoted version.", "model", "outcome"
        )
        self.approvals = counter(
            "bridge_approvals_total",
            "Candidates that waited for a person, by the answer.",
            "model",
            "outcome",
        )
        self.watches = counter(
            "bridge_watches_total", "Watches over a promoted version that ended.", "model", "outcome"
        )
        self.reminders = counter(
            "bridge_reminders_total", "Alerts that were told again after `remind_after`.", "sink"
        )
        self.pictures = counter(
            "bridge_pictures_total", "Pictures of metrics for messages, by what became of them.", "outcome"
        )
        self.template_errors = counter(
            "bridge_template_errors_total", "Messages whose own template failed; the built-in one was used."
        )
        self.prometheus_requests = counter(
            "bridge_prometheus_requests_total", "Questions to Prometheus.", "outcome"
        )
        self.reports = counter("bridge_reports_total", "Reports that were due.", "outcome")
        self.weekly_looks = counter(
            "bridge_weekly_looks_total", "Weekly looks for alerts that ask for a retraining.", "outcome"
        )
        self.logins = counter("bridge_logins_total", "Attempts to log in to the page.", "outcome")
        self.requests_refused = counter(
            "bridge_requests_refused_total", "Requests that were refused, by why.", "reason"
        )
        self.watchdog_last = Gauge(
            "bridge_watchdog_timestamp_seconds",
            "When Alertmanager's Watchdog was last heard; 0 before the first time.",
            registry=registry,
            multiprocess_mode="max",
        )
        self.watchdog_silent = Gauge(
            "bridge_watchdog_silent",
            "1 while Alertmanager's Watchdog stays away for too long.",
            registry=registry,
            multiprocess_mode="max",
        )
        self.store_errors = counter(
            "bridge_store_errors_total", "Operations that the database refused.", "operation"
        )
        self.worker_errors = counter(
            "bridge_worker_errors_total",
            "Steps of a worker thread that failed and are tried again.",
            "worker",
        )
        self.retrain_in_progress = Gauge(
            "bridge_retrain_in_progress",
            "1 while a run of this model goes on.",
            ("model",),
            registry=registry,
            multiprocess_mode="max",
        )
        self.retrain_duration = Histogram(
            "bridge_retrain_duration_seconds",
            "From the start of a run to its end, or until a person is asked.",
            ("model",),
            buckets=_DURATIONS,
            registry=registry,
        )
        self._start_at_zero(sinks, models)

    def watch_outbox(self, sinks: Sequence[str], read: Callable[[], Mapping[str, Backlog]]) -> None:
        """Export what waits in the outbox, read at each scrape."""
        self.registry.register(_OutboxCollector(sinks, read, self.store_errors.labels("read")))

    def _start_at_zero(self, sinks: Sequence[str], models: Sequence[str]) -> None:
        workers = [*map(deliverer, sinks), *map(retrainer, models), KEEPER, WATCHDOG, WEEKLY_LOOK, REPORTER]
        for metric, labels in (
            (self.alerts_received, (STATUSES,)),
            (self.alerts_repeated, (STATUSES,)),
            (self.alerts_ignored, (IGNORED_REASONS,)),
            (self.store_errors, (STORE_OPERATIONS,)),
            (self.worker_errors, (workers,)),
            (self.deliveries, (sinks, DELIVERY_OUTCOMES)),
            (self.recipients_refused, (sinks,)),
            (self.promotions, (models, OUTCOMES)),
            (self.rollbacks, (models, ROLLBACK_OUTCOMES)),
            (self.approvals, (models, APPROVAL_OUTCOMES)),
            (self.watches, (models, WATCH_OUTCOMES)),
            (self.reminders, (sinks,)),
            (self.pictures, (PICTURE_OUTCOMES,)),
            (self.prometheus_requests, (OUTCOMES,)),
            (self.weekly_looks, (OUTCOMES,)),
            (self.reports, (REPORT_OUTCOMES,)),
            (self.logins, (LOGIN_OUTCOMES,)),
            (self.requests_refused, (REFUSALS,)),
            (self.reloads, (models, OUTCOMES)),
            (self.retrains, (models, RETRAIN_TRIGGERS, RETRAIN_STATUSES)),
            (self.retrain_in_progress, (models,)),
            (self.retrain_duration, (models,)),
        ):
            for values in itertools.product(*labels):
                metric.labels(*values)


class _OutboxCollector(Collector):
    """The state of the outbox; the table is its only home, so there is nothing to keep in step."""

    def __init__(
        self, sinks: Sequence[str], read: Callable[[], Mapping[str, Backlog]], errors: Counter
    ) -> None:
        self._sinks = sinks
        self._read = read
        self._errors = errors

    def describe(self) -> Iterable[Metric]:
        return self._families()

    def collect(self) -> Iterable[Metric]:
        pending, oldest, dead = families = self._families()
        try:
            found = self._read()
        except Exception:
            # A scrape must not fail with the database: the other metrics say what is wrong with it.
            self._errors.inc()
            log.exception("the outbox cannot be read for /metrics")
            return families
        for sink in sorted({*self._sinks, *found}):
            backlog = found.get(sink, Backlog())
            pending.add_metric([sink], backlog.pending)
            dead.add_metric([sink], backlog.dead)
            if backlog.oldest is not None:
                oldest.add_metric([sink], backlog.oldest)
        return families

    @staticmethod
    def _families() -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily("bridge_outbox_pending", "Messages that wait.", labels=["sink"]),
            GaugeMetricFamily(
                "bridge_outbox_oldest_timestamp_seconds",
                "When the oldest waiting message was accepted; absent when none waits.",
                labels=["sink"],
            ),
            GaugeMetricFamily("bridge_dead_letters", "Messages that were given up.", labels=["sink"]),
        ]
