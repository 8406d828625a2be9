"""The kinds of panel that the dashboards are made of: each with a description, a unit, a word for "no data".

Colours are told apart without telling red from green: blue is well, orange asks for a look, red for action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from recwatch_dashboards.variables import DATASOURCE

WELL, LOOK, ACT, PLAIN = "blue", "orange", "red", "text"

Panel = stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel


@dataclass(frozen=True)
class Query:
    """A PromQL expression and how its series are named, such as `{{model}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Limit:
    """From which value on a panel changes its colour.

    Attributes:
        value: the threshold, in the panel's unit.
        colour: from the threshold upwards.
        below: the colour under it.
    """

    value: float
    colour: str
    below: str = WELL


def lines(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Query],
    *,
    empty: str,
    limit: Limit | None = None,
) -> timeseries.Panel:
    """Series over time; a limit is drawn as a dashed line."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        .axis_soft_min(0)
        .line_width(2)
        .fill_opacity(8)
        .show_points(common.VisibilityMode.NEVER)
        .legend(
            options.VizLegendOptions().show_legend(show_legend=True).placement(common.LegendPlacement.BOTTOM)
        )
        .tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        .targets(_targets(queries))
    )
    if limit is None:
        return panel
    style = options.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(_thresholds(limit)).thresholds_style(style)


def bars(title: str, description: str, queries: Sequence[Query], *, empty: str) -> timeseries.Panel:
    """How often something happened, as stacked bars."""
    return (
        lines(title, description, "short", queries, empty=empty)
        .draw_style(common.GraphDrawStyle.BARS)
        .fill_opacity(60)
        .stacking(options.StackingConfig().mode(common.StackingMode.NORMAL))
    )


def drawn_as_threshold(panel: timeseries.Panel, legend: str) -> timeseries.Panel:
    """Draw the series with this name as a threshold: dashed, thin, without a fill."""
    return panel.override_by_name(
        legend,
        [
            DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]}),
            DynamicConfigValue(id_val="custom.lineWidth", value=1),
            DynamicConfigValue(id_val="custom.fillOpacity", value=0),
            DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": LOOK}),
        ],
    )


def figure(
    title: str, description: str, unit: str, query: Query, *, empty: str, limit: Limit | None = None
) -> stat.Panel:
    """One number, now, with its recent course behind it."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.AREA)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(limit))
        .targets(_targets([query]))
    )


def states(
    title: str, description: str, query: Query, names: Sequence[tuple[str, str]], *, empty: str
) -> statetimeline.Panel:
    """Series that are always in one of a few states.

    Args:
        title: of the panel.
        description: of the panel.
        query: its values are 0, 1, ...
        names: name and colour of the value 0, of the value 1, ...
        empty: shown where there is no series.
    """
    named = {
        str(value): ValueMappingResult(text=name, color=colour, index=value)
        for value, (name, colour) in enumerate(names)
    }
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("none")
        .no_value(empty)
        .mappings([ValueMap(options=named)])
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(options.VizLegendOptions().show_legend(show_legend=False))
        .targets(_targets([query]))
    )


def listing(
    title: str, description: str, query: Query, columns: Sequence[tuple[str, str]], *, unit: str, empty: str
) -> table.Panel:
    """What there is now, a row a series.

    Args:
        title: of the panel.
        description: of the panel.
        query: asked for now, not over time.
        columns: label and heading, in order; the last one is `Value`.
        unit: of the value.
        empty: shown where there is no series.
    """
    transformation = DataTransformerConfig(
        id_val="organize",
        options={
            "includeByName": {label: True for label, _ in columns},
            "indexByName": {label: position for position, (label, _) in enumerate(columns)},
            "renameByName": dict(columns),
        },
    )
    target = _target(query, "A").instant().format(PromQueryFormat.TABLE)
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        .with_target(target)
        .with_transformation(transformation)
    )


def _target(query: Query, ref_id: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(ref_id)
        .datasource(DATASOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
    )


def _targets(queries: Sequence[Query]) -> list[Builder[Dataquery]]:
    return [_target(query, chr(ord("A") + position)).range() for position, query in enumerate(queries)]


def _thresholds(limit: Limit | None) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color=PLAIN if limit is None else limit.below)]
    if limit is not None:
        steps.append(Threshold(value=limit.value, color=limit.colour))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
