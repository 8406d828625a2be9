"""What every dashboard has: its address, its variables, links to the others, marks of what was done."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLink,
    DashboardLinkType,
    VariableModel,
)

from recwatch_dashboards.annotations import annotations
from recwatch_dashboards.variables import datasource

TAG = "recwatch"


def board(
    uid: str,
    title: str,
    description: str,
    variables: Sequence[Builder[VariableModel]],
    *,
    by_model: bool = True,
) -> dashboard.Dashboard:
    """Begin a dashboard; panels follow.

    Args:
        uid: part of its address.
        title: of the dashboard.
        description: the question that it answers.
        variables: besides the data source.
        by_model: whether `model` is one of them.
    """
    begun = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time("now-6h", "now")
        .timezone("browser")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_others())
        .with_variable(datasource())
    )
    for variable in variables:
        begun.with_variable(variable)
    for annotation in annotations(by_model=by_model):
        begun.annotation(annotation)
    return begun


def details(uid: str, title: str) -> list[Builder[DashboardLink]]:
    """A panel's link to the dashboard that says more, with the time and what is chosen kept."""
    url = f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}"
    return [dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(url)]


def _others() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("recwatch dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .keep_time(keep_time=True)
        .include_vars(include_vars=True)
        .icon("external link")
    )
