"""Where panels stand: rows of sections on Grafana's grid of 24 columns, filled from the left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import GridPos

from recwatch_dashboards.panels import Panel

COLUMNS = 24


@dataclass(frozen=True)
class Section:
    """Panels under one heading.

    Attributes:
        title: the question that they answer.
        panels: with their width in columns.
        height: of each panel, in units of the grid.
        repeat: the variable that the section is repeated for, once a value.
        collapsed: whether it opens, and asks its queries, on a click only.
    """

    title: str
    panels: Sequence[tuple[Panel, int]]
    height: int = 8
    repeat: str = ""
    collapsed: bool = False


def place(board: dashboard.Dashboard, sections: Sequence[Section]) -> dashboard.Dashboard:
    """Add the sections to a dashboard; panel ids count from 1 in the order of reading."""
    ids = iter(range(1, 10_000))
    y = 0
    for section in sections:
        row = dashboard.Row(section.title).id(next(ids)).grid_pos(GridPos(x=0, y=y, w=COLUMNS, h=1))
        if section.repeat:
            row.repeat(section.repeat)
        panels = [panel.id(next(ids)).grid_pos(position) for panel, position in _positions(section, y + 1)]
        if section.collapsed:
            row.collapsed(collapsed=True)
            for panel in panels:
                row.with_panel(panel)
        board.with_row(row)
        if not section.collapsed:
            for panel in panels:
                board.with_panel(panel)
        y = max((panel.y + panel.h for _, panel in _positions(section, y + 1)), default=y + 1)
    return board


def _positions(section: Section, y: int) -> Iterator[tuple[Panel, GridPos]]:
    x = 0
    for panel, width in section.panels:
        if x + width > COLUMNS:
            x, y = 0, y + section.height
        yield panel, GridPos(x=x, y=y, w=width, h=section.height)
        x += width
