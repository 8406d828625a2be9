"""Stack health: is everything that watches itself well?"""

from grafana_foundation_sdk.builders import dashboard

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.health import health_checks
from recwatch_dashboards.looks import ACT, BLUE, ORANGE, WELL, Line
from recwatch_dashboards.loop import watchdog
from recwatch_dashboards.panels import bars, lines, states
from recwatch_dashboards.queries import Query, counted, overall_threshold
from recwatch_dashboards.variables import services

UID = "recwatch-stack"
_CHOSEN = '{service=~"$service"}'
_INSTANCE = "{{service}} {{instance}}"
_NONE = "Prometheus scrapes nothing"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "Is everything up that watches, and do rules, messages, memory and disks hold?"
    return place(
        board(UID, "recwatch stack health", text, [services("up")], by_model=False),
        [_targets(), _rules(), _alertmanager(), _parts(), _machines()],
    )


def _targets() -> Section:
    up = states(
        "Targets",
        "Whether Prometheus reaches each target. TargetDown tells of those that it does not.",
        Query(f"min by (job, service, instance) (up{_CHOSEN})", "{{job}} {{service}} {{instance}}"),
        [("down", ACT), ("up", WELL)],
        empty=_NONE,
    )
    duration = lines(
        "Scrape duration",
        "How long each scrape took. ScrapeSlow fires above the line.",
        "s",
        [
            Query(f"service_instance:scrape_duration_seconds:max_every4m{_CHOSEN}", _INSTANCE),
            overall_threshold("ScrapeSlow"),
        ],
        empty=_NONE,
    )
    size = lines(
        "Scrape size",
        "Samples in each scrape. ScrapeTooLarge fires above the line.",
        "short",
        [
            Query(f"service_instance:scrape_samples_scraped:max_every4m{_CHOSEN}", _INSTANCE),
            overall_threshold("ScrapeTooLarge"),
        ],
        empty=_NONE,
    )
    return Section("Is everything reached?", [(up, 24), (duration, 12), (size, 12)])


def _rules() -> Section:
    duration = lines(
        "Rule evaluation",
        "Share of its interval that each group of rules took, the ten slowest. Above the line evaluations are"
        " left out, and RuleEvaluationSlow fires.",
        "percentunit",
        [
            Query(
                "topk(10, max by (rule_group) (prometheus_rule_group_last_duration_seconds)"
                " / (max by (rule_group) (prometheus_rule_group_interval_seconds) > 0))",
                "{{rule_group}}",
            ),
            Query("vector(1)", "the whole interval", Line.THRESHOLD, beside=True),
        ],
        empty="Prometheus evaluates no rules",
    )
    failures = bars(
        "Rule evaluations that failed",
        "In 5 minutes, by group. RuleEvaluationFailing tells of them.",
        [counted("service_group:prometheus_rule_evaluation_failures:increase5m", "{{rule_group}}")],
        empty="none failed in this time",
    )
    loaded = states(
        "Configuration",
        "Whether Prometheus, Alertmanager and the drift exporter took the last configuration that they were"
        " given. PrometheusConfigNotLoaded, AlertmanagerConfigNotLoaded or DriftExporterConfigNotLoaded tells"
        " of one that was refused; ThresholdUnknown of a threshold for an alert that has none.",
        Query(
            "min by (service) (prometheus_config_last_reload_successful"
            " or alertmanager_config_last_reload_successful or drift_exporter_config_last_reload_successful)",
            "{{service}}",
        ),
        [("refused", ACT), ("loaded", WELL)],
        empty=_NONE,
    )
    size = lines(
        "Prometheus",
        "Series that it holds in memory.",
        "short",
        [Query("max by (instance) (prometheus_tsdb_head_series)", "{{instance}}", colour=BLUE)],
        empty="Prometheus does not scrape itself",
    )
    return Section("Does Prometheus hold?", [(duration, 6), (failures, 6), (loaded, 6), (size, 6)])


def _alertmanager() -> Section:
    reached = lines(
        "Alertmanagers found",
        "By Prometheus. At 0 nobody is told of anything: AlertmanagerUnreachable fires.",
        "short",
        [Query("min by (instance) (prometheus_notifications_alertmanagers_discovered)", "{{instance}}")],
        empty="Prometheus does not scrape itself",
    )
    queue = lines(
        "Alerts waiting for Alertmanager",
        "In Prometheus's queue, and how many fit.",
        "short",
        [
            Query("max by (instance) (prometheus_notifications_queue_length)", "{{instance}}"),
            Query("min(prometheus_notifications_queue_capacity)", "capacity", Line.THRESHOLD),
        ],
        empty="Prometheus does not scrape itself",
    )
    sent = bars(
        "Notifications that failed",
        "Alertmanager's, in 5 minutes, by integration. NotificationsFailing tells of them.",
        [
            counted(
                "service_integration:alertmanager_notifications_failed:increase5m",
                "{{service}} {{integration}}",
            )
        ],
        empty="none failed in this time",
    )
    alerts = lines(
        "Alerts in Alertmanager",
        "By state: suppressed is silenced or inhibited.",
        "short",
        [Query("max by (state) (alertmanager_alerts)", "{{state}}")],
        empty="Prometheus does not scrape Alertmanager",
    )
    refused = lines(
        "Alerts that Alertmanager did not take",
        "Share of Prometheus's, over 5 minutes. AlertmanagerUnreachable fires above the line.",
        "percentunit",
        [
            Query(
                "sum by (alertmanager) (rate(prometheus_notifications_errors_total[5m]))"
                " / (sum by (alertmanager) (rate(prometheus_notifications_sent_total[5m])) > 0)",
                "{{alertmanager}}",
            ),
            overall_threshold("AlertmanagerUnreachable"),
        ],
        empty="Prometheus had no alert to send in this time",
    )
    return Section(
        "Does an alert arrive?",
        [(reached, 8), (refused, 8), (queue, 8), (sent, 8), (alerts, 12), (watchdog(), 4)],
    )


def _parts() -> Section:
    bridge = bars(
        "Bridge: failures",
        "Steps of a worker that failed and are tried again, and operations that its database refused, in 5"
        " minutes.",
        [
            counted("service_worker:bridge_worker_errors:increase5m", "worker {{worker}}"),
            counted("service_operation:bridge_store_errors:increase5m", "store {{operation}}"),
        ],
        empty="nothing failed in this time",
    )
    refused = bars(
        "Bridge: requests refused",
        "In 5 minutes, by why.",
        [counted("service_reason:bridge_requests_refused:increase5m", "{{reason}}")],
        empty="none was refused in this time",
    )
    questions = bars(
        "Bridge: questions to Prometheus",
        "For pictures in messages and for watches over promotions, in 5 minutes, by outcome.",
        [counted("service_outcome:bridge_prometheus_requests:increase5m", "{{outcome}}")],
        empty="the bridge asked nothing in this time",
    )
    exporter = bars(
        "Drift exporter: failures",
        "How often its state file could not be read or written, in 5 minutes.",
        [
            counted(
                "service_operation:drift_exporter_storage_failures:increase5m", "{{service}} {{operation}}"
            )
        ],
        empty="none in this time",
    )
    return Section(
        "Are the bridge and the exporter well?", [(bridge, 6), (refused, 6), (questions, 6), (exporter, 6)]
    )


def _machines() -> Section:
    memory = lines(
        "Memory",
        "Resident memory of each process.",
        "bytes",
        [Query(f"max by (service, instance) (process_resident_memory_bytes{_CHOSEN})", _INSTANCE)],
        empty="no process says (several workers of one service do not)",
    )
    cpu = lines(
        "Processor",
        "Processor seconds a second: 1 is one core.",
        "none",
        [Query(f"service_instance:process_cpu_seconds:rate5m{_CHOSEN}", _INSTANCE)],
        empty="no process says (several workers of one service do not)",
    )
    files = lines(
        "Open files",
        "Share of the file descriptors that a process may have. FileDescriptorsNearLimit fires above the"
        " line.",
        "percentunit",
        [
            Query(
                f"service_instance:process_open_fds:ratio_every4m{_CHOSEN}",
                _INSTANCE,
            ),
            overall_threshold("FileDescriptorsNearLimit"),
        ],
        empty="no process says (several workers of one service do not)",
    )
    disks = lines(
        "Disks",
        "Bytes free, as the health checks measure them. DiskFilling tells where they will not last.",
        "bytes",
        [
            Query(
                'min by (service, check) (health_check_value{service=~"$service", check=~"disk.*"})',
                "{{service}} {{check}}",
            )
        ],
        empty="no service has a health check of a disk (recwatch.health.DiskSpace)",
    )
    limit = lines(
        "Memory against its limit",
        "Share of what each service may take, as its health check `memory` measures it, or else of the limit"
        " that you gave it in prometheus/thresholds. MemoryNearLimit fires above the line.",
        "percentunit",
        [
            Query(
                f"service_instance:memory_limit:ratio_every4m{_CHOSEN}",
                _INSTANCE,
            ),
            overall_threshold("MemoryNearLimit"),
        ],
        empty="no service has a health check of its memory (recwatch.health), or a limit of its own",
    )
    kept = lines(
        "Prometheus on disk",
        "What its finished blocks take.",
        "bytes",
        [Query("max by (instance) (prometheus_tsdb_storage_blocks_bytes)", "{{instance}}", colour=ORANGE)],
        empty="Prometheus does not scrape itself",
    )
    return Section(
        "Do memory and disks last?",
        [(memory, 8), (limit, 8), (cpu, 8), (files, 8), (disks, 8), (kept, 8), (health_checks(), 24)],
    )
