"""Tables: what there is now, a row a series, or a row for what several queries know of one thing."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from recwatch_dashboards.looks import names
from recwatch_dashboards.queries import Query, now, ref_id
from recwatch_dashboards.variables import DATASOURCE

EMPTY_CELL = "\N{EN DASH}"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        label: the label that it shows; a column without one shows the value of the next query.
        expr: the query whose value it shows.
        unit: of the value.
        states: name and colour of the value 0, of the value 1, ...
        link: where a click on the cell leads; `${__value.raw}` stands for what it shows.
    """

    heading: str
    label: str = ""
    expr: str = ""
    unit: str = ""
    states: Sequence[tuple[str, str]] = ()
    link: str = ""


def listing(
    title: str, description: str, columns: Sequence[Column], *, empty: str, sort: str = ""
) -> table.Panel:
    """What there is now; rows of several queries are one where all their labels agree.

    Args:
        title: of the panel.
        description: of the panel.
        columns: in order, labels first.
        empty: why there may be no row; shown in their place.
        sort: heading of the column by which rows are sorted, in the order of the alphabet.
    """
    queries = [Query(column.expr) for column in columns if column.expr]
    values = iter(["Value"] if len(queries) == 1 else [f"Value #{ref_id(at)}" for at in range(len(queries))])
    fields = [column.label or next(values) for column in columns]
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .no_value(empty)
        .targets(now(queries, PromQueryFormat.TABLE))
    )
    if len(queries) > 1:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "includeByName": dict.fromkeys(fields, True),
                "indexByName": {field: position for position, field in enumerate(fields)},
                "renameByName": dict(zip(fields, (column.heading for column in columns), strict=True)),
            },
        )
    )
    plain_cells(panel)
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(desc=False)])
    for column in columns:
        if properties := _properties(column):
            panel.override_by_name(column.heading, properties)
    return panel


def plain_cells(panel: table.Panel) -> None:
    """Keep cells from what the panel says of all its fields; a column's own properties are set after it.

    Without that an empty cell would hold the words for "no row", and a version of digits alone would be
    written as millions.
    """
    panel.override_by_regexp(".*", [DynamicConfigValue(id_val="noValue", value=EMPTY_CELL)])
    panel.override_by_field_type("string", [DynamicConfigValue(id_val="unit", value="string")])


def _properties(column: Column) -> list[DynamicConfigValue]:
    properties = []
    if column.unit:
        properties.append(DynamicConfigValue(id_val="unit", value=column.unit))
    if column.link:
        link = {"title": "${__value.raw}", "url": column.link, "targetBlank": True}
        properties.append(DynamicConfigValue(id_val="links", value=[link]))
    if column.states:
        properties.append(DynamicConfigValue(id_val="mappings", value=[names(column.states)]))
        properties.append(DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
    return properties
