"""Where panels stand: rows of sections on Grafana's grid of 24 columns, filled from the left."""

from collections.abc import Sequence
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
    """

    title: str
    panels: Sequence[tuple[Panel, int]]
    height: int = 8


def place(board: dashboard.Dashboard, sections: Sequence[Section]) -> dashboard.Dashboard:
    """Add the sections to a dashboard; panel ids count from 1 in the order of reading."""
    ids = iter(range(1, 10_000))
    y = 0
    for section in sections:
        board.with_row(dashboard.Row(section.title).id(next(ids)).grid_pos(GridPos(x=0, y=y, w=COLUMNS, h=1)))
        y += 1
        x = 0
        for panel, width in section.panels:
            if x + width > COLUMNS:
                x, y = 0, y + section.height
            board.with_panel(panel.id(next(ids)).grid_pos(GridPos(x=x, y=y, w=width, h=section.height)))
            x += width
        y += section.height
    return board
