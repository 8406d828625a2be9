"""The kinds of panel that dashboards are made of, each with a description, a unit, words for "no data"."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import FieldColorModeId

from recwatch_dashboards.looks import BLUE, ORANGE, Limit, Line, drawn, names, thresholds
from recwatch_dashboards.queries import Query, beside_the_first, now, over_time, ref_id
from recwatch_dashboards.variables import DATASOURCE

Panel = stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel


def lines(
    title: str, description: str, unit: str, queries: Sequence[Query], *, empty: str, lowest: float | None = 0
) -> timeseries.Panel:
    """Series over time.

    Args:
        title: of the panel.
        description: of the panel.
        unit: of the values.
        queries: a threshold among them is drawn as a thin dashed line.
        empty: why there may be no series; shown in their place.
        lowest: the axis begins here or lower; None where the distance from 0 says nothing.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        # By name: a model has one colour on all panels.
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .line_width(2)
        .fill_opacity(0 if len(queries) > 1 else 8)
        .show_points(common.VisibilityMode.AUTO)
        .legend(
            options.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
        )
        .tooltip(
            options.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .targets(over_time(beside_the_first(queries)))
    )
    if lowest is not None:
        panel.axis_soft_min(lowest)
    for position, query in enumerate(queries):
        if query.line is not Line.SOLID or query.colour:
            panel.override_by_query(ref_id(position), drawn(query.line, query.colour))
    return panel


def bars(title: str, description: str, queries: Sequence[Query], *, empty: str) -> timeseries.Panel:
    """How often something happened, as stacked bars."""
    panel = lines(title, description, "short", queries, empty=empty)
    # What ended well and what did not, without a difference of red and green.
    panel.override_by_regexp(r"/\b(completed|success|promoted|passed|approved)$/", drawn(Line.SOLID, BLUE))
    panel.override_by_regexp(r"/\b(failed|error|refused|rejected|rolled_back)$/", drawn(Line.SOLID, ORANGE))
    return (
        panel.decimals(0)
        .draw_style(common.GraphDrawStyle.BARS)
        .fill_opacity(60)
        .stacking(options.StackingConfig().mode(common.StackingMode.NORMAL))
    )


def figure(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    empty: str,
    limit: Limit | None = None,
    decimals: int | None = None,
) -> stat.Panel:
    """One number, as of the end of the dashboard's time."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(thresholds(limit))
        .targets(now([query]))
    )
    return panel if decimals is None else panel.decimals(decimals)


def states(
    title: str, description: str, query: Query, values: Sequence[tuple[str, str]], *, empty: str
) -> statetimeline.Panel:
    """Series that are always in one of a few states.

    Args:
        title: of the panel.
        description: of the panel; why there may be no series is added, because this kind of panel has its own
            words for it and shows no others.
        query: its values are 0, 1, ...
        values: name and colour of the value 0, of the value 1, ...
        empty: why there may be no series.
    """
    return (
        statetimeline.Panel()
        .title(title)
        .description(f"{description} Empty: {empty}.")
        .datasource(DATASOURCE)
        .unit("none")
        .no_value(empty)
        .mappings([names(values)])
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(options.VizLegendOptions().show_legend(show_legend=False))
        .targets(over_time([query]))
    )
