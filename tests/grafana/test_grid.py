from grafana_foundation_sdk.builders import dashboard, stat

from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.panels import Query, figure


def panel() -> stat.Panel:
    return figure("t", "d.", "short", Query("up"), empty="none")


def test_panels_fill_rows_from_the_left_and_wrap() -> None:
    sections = [
        Section("one", [(panel(), 12), (panel(), 12), (panel(), 8)], height=4),
        Section("two", [(panel(), 24)], height=6),
    ]

    board = place(dashboard.Dashboard("board"), sections).build()

    places = [
        (panel.grid_pos.x, panel.grid_pos.y, panel.grid_pos.w, panel.grid_pos.h)
        for panel in board.panels or []
        if panel.grid_pos is not None
    ]
    assert places == [
        (0, 0, 24, 1),
        (0, 1, 12, 4),
        (12, 1, 12, 4),
        (0, 5, 8, 4),
        (0, 9, 24, 1),
        (0, 10, 24, 6),
    ]
    assert [panel.id_val for panel in board.panels or []] == [1, 2, 3, 4, 5, 6]
