"""Panels on HTTP routes: what the middleware counts, with or without a recommender behind it."""

from grafana_foundation_sdk.builders import timeseries

from recwatch_dashboards.grid import Section
from recwatch_dashboards.panels import bars, lines
from recwatch_dashboards.queries import Query, counted, overall_threshold

_CHOSEN = '{service=~"$service"}'
_ROUTE = "{{service}} {{route}}"
_SILENT = "no HTTP request came in this time"


def routes() -> Section:
    """The routes of the chosen services."""
    dropped = bars(
        "What instrumentation gave up",
        "Writes in 5 minutes that were given up so that the service went on, by target and reason."
        " WritesDropped tells of them.",
        [
            counted(
                f"service_target_reason:recwatch_dropped_writes:increase5m{_CHOSEN}",
                "{{service}} {{target}} {{reason}}",
            )
        ],
        empty="nothing was given up in this time",
    )
    return Section(
        "Which routes are asked, fail or are slow?",
        [
            (_rate(), 8),
            (
                _route(
                    "Route errors",
                    "Share of 5xx answers over 5 minutes.",
                    "percentunit",
                    "service_route:http_errors:ratio_rate5m",
                    "HttpErrorRateHigh",
                ),
                8,
            ),
            (
                _route(
                    "Route latency p95",
                    "95 % of the requests of 5 minutes were faster.",
                    "s",
                    "service_route:http_request_duration_seconds:p95_rate5m",
                    "HttpLatencyHigh",
                ),
                8,
            ),
            (
                _route(
                    "First byte p95",
                    "Streamed answers: 95 % of them began sooner.",
                    "s",
                    "service_route:http_time_to_first_byte_seconds:p95_rate5m",
                    "FirstByteSlow",
                ),
                12,
            ),
            (dropped, 12),
        ],
    )


def _rate() -> timeseries.Panel:
    return lines(
        "Requests by route",
        "HTTP requests a second, by template of the route.",
        "reqps",
        [Query(f"service_route:http_requests:rate5m{_CHOSEN}", _ROUTE)],
        empty=_SILENT,
    )


def _route(title: str, text: str, unit: str, series: str, alert: str) -> timeseries.Panel:
    return lines(
        title,
        f"{text} {alert} fires above the line.",
        unit,
        [Query(f"{series}{_CHOSEN}", _ROUTE), overall_threshold(alert)],
        empty=_SILENT,
    )
