"""What panels ask Prometheus, and the same with something that parses in the place of Grafana's variables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from recwatch_dashboards.looks import Line
from recwatch_dashboards.variables import DATASOURCE

_VARIABLE = re.compile(r"\$\{?(\w+)(?::\w+)?\}?")
_LABEL = re.compile(r"\{\{(\w+)\}\}")
BUILT_IN = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}
"""Grafana's own variables, and durations that stand in for them."""


@dataclass(frozen=True)
class Query:
    """A PromQL expression.

    Attributes:
        expr: what is asked.
        legend: how its series are named, such as `{{model}}`.
        line: how they are drawn.
        colour: of all of them, where one series is expected.
        beside: whether it means something beside the panel's first query alone, as a threshold does; without
            data of that it is left out, so that the panel says why it is empty.
    """

    expr: str
    legend: str = ""
    line: Line = Line.SOLID
    colour: str = ""
    beside: bool = False


def without_variables(expr: str, chosen: Mapping[str, str] | None = None) -> str:
    """Return an expression of a dashboard as Prometheus can be asked for it.

    Args:
        expr: with Grafana's variables.
        chosen: values of variables; what is not chosen is `.*`, as if all were.
    """
    values = {**BUILT_IN, **(chosen or {})}
    return _VARIABLE.sub(lambda match: values.get(match[1], ".*"), expr)


def threshold(alert: str) -> Query:
    """What the alert compares with: for all models, and for each that has a threshold of its own."""
    return Query(
        f'(alert:threshold:used{{alert="{alert}"}}'
        f' or alert_model:threshold:used{{alert="{alert}", model=~"$model"}})',
        "threshold {{model}}",
        Line.THRESHOLD,
        beside=True,
    )


def overall_threshold(alert: str) -> Query:
    """What an alert compares with that knows no models."""
    return Query(f'alert:threshold:used{{alert="{alert}"}}', "threshold", Line.THRESHOLD, beside=True)


def happened(series: str) -> str:
    """A recorded number of events that is absent where none happened, so that a long step misses none."""
    return f"max_over_time({series}[$__rate_interval])"


def counted(series: str, legend: str) -> Query:
    """A recorded number of events, summed up by the labels that the legend names."""
    labels = ", ".join(_LABEL.findall(legend))
    return Query(f"sum by ({labels}) ({happened(series)})", legend)


def ref_id(position: int) -> str:
    """A, B, ..., by which a panel tells its queries apart."""
    return chr(ord("A") + position)


def beside_the_first(queries: Sequence[Query]) -> list[Query]:
    """Leave out what is to be compared with the first query where that has nothing."""
    return [
        replace(query, expr=f"{query.expr} and on () ({queries[0].expr})") if query.beside else query
        for query in queries
    ]


def over_time(queries: Sequence[Query]) -> list[Builder[Dataquery]]:
    """Targets over the dashboard's time."""
    return [_target(query, position).range() for position, query in enumerate(queries)]


def now(
    queries: Sequence[Query], form: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> list[Builder[Dataquery]]:
    """Targets as of the end of the dashboard's time."""
    return [_target(query, position).instant().format(form) for position, query in enumerate(queries)]


def _target(query: Query, position: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(ref_id(position))
        .datasource(DATASOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
    )
