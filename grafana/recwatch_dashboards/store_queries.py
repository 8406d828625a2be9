"""What panels ask the store of records, where it is PostgreSQL: SQL over the tables of `recwatch.store`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from recwatch_dashboards.panels import lines
from recwatch_dashboards.tables import plain_cells
from recwatch_dashboards.variables import STORE

NO_STORE = "no training in this time, or no PostgreSQL store is set up: see docs/dashboards.md"


@dataclass(frozen=True)
class SqlQuery(Dataquery, Builder[Dataquery]):
    """A query in the form of Grafana's PostgreSQL data source; the SDK has no class for it.

    Attributes:
        sql: the query.
        form: `table`, or `time_series` for the columns time, metric and value.
    """

    sql: str
    form: str = "table"

    def build(self) -> "SqlQuery":
        """It is its own builder."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the form that Grafana reads."""
        return {
            "refId": "A",
            "datasource": STORE,
            "editorMode": "code",
            "format": self.form,
            "rawQuery": True,
            "rawSql": self.sql,
        }


def rows(
    title: str, description: str, sql: str, units: Sequence[tuple[str, str]], *, empty: str = NO_STORE
) -> table.Panel:
    """A table of what a query finds.

    Args:
        title: of the panel.
        description: of the panel.
        sql: names its columns as they are to be headed.
        units: heading and unit of the columns that have one.
        empty: why there may be no row.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(STORE)
        .unit("none")
        .no_value(empty)
        .targets([SqlQuery(sql)])
    )
    plain_cells(panel)
    for heading, unit in units:
        panel.override_by_name(heading, [DynamicConfigValue(id_val="unit", value=unit)])
    return panel


def curves(title: str, description: str, sql: str, *, empty: str = NO_STORE) -> timeseries.Panel:
    """Series that a query finds.

    Args:
        title: of the panel.
        description: of the panel.
        sql: gives the columns time, metric (a series' name) and value.
        empty: why there may be no series.
    """
    return (
        lines(title, description, "none", [], empty=empty, lowest=None)
        .datasource(STORE)
        .show_points(common.VisibilityMode.ALWAYS)
        .targets([SqlQuery(sql, "time_series")])
    )
