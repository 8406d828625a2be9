"""Recommender service: is it asked, does it answer, how fast, and what serves?"""

from grafana_foundation_sdk.builders import dashboard

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.health import NO_CHECKS, PASSED, health_checks
from recwatch_dashboards.http import routes
from recwatch_dashboards.looks import BLUE, BUDGET, ORANGE, PINK, Line
from recwatch_dashboards.panels import bars, figure, lines
from recwatch_dashboards.queries import Query, counted, threshold
from recwatch_dashboards.service_panels import (
    CHOSEN,
    LATENCY,
    SERIES,
    SILENT,
    budget,
    error_rate,
    fallback_rate,
    latency,
    requests,
    versions,
)
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import choice, recommenders

UID = "recwatch-service"
_RATE = f"service_model:recommender_requests:rate1h{CHOSEN}"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    variables = [
        choice(
            "service",
            "Service",
            'label_values({__name__=~"recommender_requests_total|http_requests_total|health_check_up"},'
            " service)",
        ),
        recommenders(),
    ]
    text = "Is the recommender asked, does it answer, how fast, and which version serves?"
    return place(
        board(UID, "recwatch service", text, variables),
        [_last_hour(), _answers(), _speed(), _objectives(), _versions(), _health(), routes()],
    )


def _weighted(ratio: str) -> str:
    """The mean over the chosen models, each with the weight of its requests."""
    return f"sum({ratio}{CHOSEN} * {_RATE}) / (sum({_RATE}) > 0)"


def _last_hour() -> Section:
    together = "All chosen models together."
    return Section(
        "The last hour",
        [
            (
                figure(
                    "Requests",
                    f"Recommendations in the last hour, those that the caller cancelled left out. {together}",
                    "short",
                    Query(f"3600 * sum({_RATE})"),
                    empty="none was asked for",
                    decimals=0,
                ),
                6,
            ),
            (
                figure(
                    "Latency",
                    f"Average latency of the last hour. {together}",
                    "s",
                    Query(_weighted(f"{LATENCY}:mean1h")),
                    empty="no requests",
                ),
                6,
            ),
            (
                figure(
                    "Fallbacks",
                    f"Share of the last hour's answers that came from a fallback. {together}",
                    "percentunit",
                    Query(_weighted("service_model:recommender_fallbacks:ratio_rate1h")),
                    empty="no requests",
                ),
                6,
            ),
            (
                figure(
                    "Least budget left",
                    "The smallest error budget of the chosen models, over 30 days.",
                    "percentunit",
                    Query(f"min(service_model:slo_budget:left30d{CHOSEN})"),
                    empty="no requests",
                    limit=BUDGET,
                ),
                6,
            ),
        ],
        height=4,
    )


def _answers() -> Section:
    errors = lines(
        "Errors by type",
        "Failed requests a second, by type of error.",
        "reqps",
        [
            Query(
                f"service_model_error:recommender_errors:rate5m{CHOSEN}",
                "{{service}} {{model}} {{error}}",
            )
        ],
        empty="no request failed in this time",
    )
    fallbacks = lines(
        "Fallbacks by method",
        "Answers a second that came from a fallback, by the method that gave them.",
        "reqps",
        [
            Query(
                f"service_model_method:recommender_fallbacks:rate5m{CHOSEN}",
                "{{service}} {{model}} {{method}}",
            )
        ],
        empty="no fallback answered in this time",
    )
    outcomes = lines(
        "Requests by outcome",
        "Recommendations a second. Cancelled: the caller went away first.",
        "reqps",
        [
            Query(
                f"sum by (outcome) (service_model_outcome:recommender_requests:rate5m_every4m{CHOSEN})",
                "{{outcome}}",
            )
        ],
        empty=SILENT,
    )
    traffic = lines(
        "Requests against a week before",
        "The last hour's requests over those of the same hour a week before. RecommenderTrafficCollapsed"
        " fires"
        " below the line.",
        "percentunit",
        [
            Query(f"service_model:recommender_requests:growth1w_every4m{CHOSEN}", SERIES),
            threshold("RecommenderTrafficCollapsed"),
        ],
        empty="nothing to compare with yet: no requests a week before",
    )
    return Section(
        "Is it asked, and does it answer?",
        [
            (requests(), 6),
            (traffic, 6),
            (error_rate(), 6),
            (fallback_rate(), 6),
            (outcomes, 8),
            (errors, 8),
            (fallbacks, 8),
        ],
    )


def _speed() -> Section:
    percentiles = lines(
        "Percentiles",
        "Half, 95 % and 99 % of the requests were faster. RecommenderLatencyP99High fires where p99 is above"
        " the line.",
        "s",
        [
            Query(f"{LATENCY}:p50_rate5m_every4m{CHOSEN}", f"{SERIES} p50", colour=BLUE),
            Query(f"{LATENCY}:p95_rate5m_every4m{CHOSEN}", f"{SERIES} p95", Line.DASHED, ORANGE),
            Query(f"{LATENCY}:p99_rate5m_every4m{CHOSEN}", f"{SERIES} p99", Line.DOTTED, PINK),
            threshold("RecommenderLatencyP99High"),
        ],
        empty=SILENT,
    )
    items = lines(
        "Latency per item",
        "Average time for each recommended item. RecommenderItemLatencyHigh fires above the line.",
        "s",
        [
            Query(f"service_model:recommender_item_duration_seconds:mean5m{CHOSEN}", SERIES),
            threshold("RecommenderItemLatencyHigh"),
        ],
        empty=SILENT,
    )
    return Section("Is it fast?", [(latency(), 8), (percentiles, 8), (items, 8)])


def _objectives() -> Section:
    failing = lines(
        "Requests that miss an objective",
        "Share of the last hour's and of the last 6 hours' requests that failed, or were slower than the"
        " objective says. The thin line is the share that it allows.",
        "percentunit",
        [
            Query(f"service_model:slo_errors:ratio_rate1h_every4m{CHOSEN}", f"{SERIES} {{{{slo}}}} 1h"),
            Query(
                f"service_model:slo_errors:ratio_rate6h_every4m{CHOSEN}",
                f"{SERIES} {{{{slo}}}} 6h",
                Line.DASHED,
            ),
            Query(
                f"service_model:slo_budget:ratio_every4m{CHOSEN}",
                f"{SERIES} {{{{slo}}}} allowed",
                Line.THRESHOLD,
            ),
        ],
        empty=SILENT,
    )
    return Section("Does it keep its objectives?", [(budget(), 12), (failing, 12)])


def _versions() -> Section:
    age = lines(
        "Age of the model in service",
        "Since the version in service was trained. ModelOld fires above the line.",
        "s",
        [
            Query(f"service_model:recommender_model_age_seconds:max{CHOSEN}", SERIES),
            threshold("ModelOld"),
        ],
        empty="no model is in service",
    )
    reloads = bars(
        "Loads of a model",
        "Loads in 5 minutes, by outcome. RecommenderReloadFailing tells of those that fail,"
        " RecommenderErrorsAfterPromotion of a new version that does.",
        [
            counted(
                f"service_model_outcome:recommender_model_reloads:increase5m{CHOSEN}",
                "{{service}} {{model}} {{outcome}}",
            )
        ],
        empty="no model was loaded in this time",
    )
    return Section("Which version serves?", [(versions(), 8), (age, 8), (reloads, 8)])


def _health() -> Section:
    values = listing(
        "Health checks now",
        "What each check measured; docs/health.md gives each one's unit.",
        [
            Column("Service", "service"),
            Column("Instance", "instance"),
            Column("Check", "check"),
            Column(
                "Result",
                expr='max by (service, instance, check) (health_check_up{service=~"$service"})',
                states=PASSED,
            ),
            Column(
                "Value", expr='max by (service, instance, check) (health_check_value{service=~"$service"})'
            ),
        ],
        empty=NO_CHECKS,
    )
    return Section("Does it have what it needs?", [(health_checks(), 12), (values, 12)])
