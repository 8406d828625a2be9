"""Traffic and latency of the recommenders."""

from collections import defaultdict
from contextlib import suppress

from recwatch.report.document import Cell, Limit, Picture, Section, Table
from recwatch.report.period import Period
from recwatch.report.quantile import quantile
from recwatch.report.sections.common import WORST, chart, columns, compared, section, with_pictures
from recwatch.report.series import Answers, Key

__all__ = ["QUANTILES", "build", "latency"]

_LABELS = ("service", "model")
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_LIMITS = (("RecommenderLatencyP99High", "limit of p99"), ("RecommenderLatencyHigh", "limit of the average"))


def build(answers: Answers, period: Period) -> Section:
    """Tell of every model; pictures of the slowest."""
    title, question = "Traffic and latency", "How many asked, and how long did they wait?"
    requests = answers.values("requests", *_LABELS)
    if not requests:
        return section(
            "traffic",
            title,
            question,
            missing="Not measured: no recommender_requests_total in this period. docs/serving.md says how a "
            "service counts its requests.",
        )
    before = answers.values("requests", *_LABELS, before=True)
    now = {name: latency(answers, share) for name, share in QUANTILES.items()}
    then = {name: latency(answers, share, before=True) for name, share in QUANTILES.items()}
    ranked = sorted(requests, key=lambda key: (-now["p99"].get(key, 0.0), -requests[key], key))
    rows = tuple(
        (
            Cell(key[1]),
            Cell(key[0]),
            compared(requests[key], before.get(key), "count"),
            *(compared(now[name].get(key), then[name].get(key), "seconds", worse="up") for name in QUANTILES),
        )
        for key in ranked
    )
    return Section(
        "traffic",
        title,
        question,
        (Table(columns("Model", "Service", "Requests", "p50", "p95", "p99", right=2), rows),),
        tuple(picture for key in ranked[:WORST] for picture in _pictures(answers, period, key)),
        with_pictures(len(ranked), "models"),
    )


def latency(answers: Answers, share: float, *, before: bool = False) -> dict[Key, float]:
    """Return a quantile of the requests of the whole period, in seconds, by service and model."""
    buckets: dict[Key, dict[float, float]] = defaultdict(dict)
    for (*key, bound), count in answers.values("latency", *_LABELS, "le", before=before).items():
        with suppress(ValueError):  # a bound that is no number is none of a histogram
            buckets[*key,][float(bound)] = count
    found = {key: quantile(share, counts) for key, counts in buckets.items()}
    return {key: seconds for key, seconds in found.items() if seconds is not None}


def _pictures(answers: Answers, period: Period, key: Key) -> list[Picture]:
    title = f"{key[1]} on {key[0]}"
    lines = {name: answers.courses(f"{name}_course", *_LABELS).get(key) for name in QUANTILES}
    note = "The slowest five minutes of each point." if any(lines.values()) else ""
    found = (
        chart(f"{title}: latency", lines, "seconds", period, limits=_limit(answers, key[1]), note=note),
        chart(
            f"{title}: requests",
            {"requests a second": answers.courses("rate_course", *_LABELS).get(key)},
            "rate",
            period,
        ),
    )
    return [picture for picture in found if picture is not None]


def _limit(answers: Answers, model: str) -> tuple[Limit, ...]:
    """Return the threshold of an alert: of p99 where there is one, else of the average."""
    limits = answers.values("limits", "alert", "model")
    for alert, name in _LIMITS:
        found = limits.get((alert, model), limits.get((alert, "")))
        if found is not None:
            return (Limit(name, found),)
    return ()
