from typing import Any

from grafana_foundation_sdk.builders import dashboard, stat

from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.panels import figure
from recwatch_dashboards.queries import Query


def panel() -> stat.Panel:
    return figure("t", "d.", "short", Query("up"), empty="none")


def placed(*sections: Section) -> list[Any]:
    return place(dashboard.Dashboard("board"), sections).build().panels or []


def where(panel: Any) -> tuple[int, int, int, int]:
    return (panel.grid_pos.x, panel.grid_pos.y, panel.grid_pos.w, panel.grid_pos.h)


def test_panels_fill_rows_from_the_left_and_wrap() -> None:
    panels = placed(
        Section("one", [(panel(), 12), (panel(), 12), (panel(), 8)], height=4),
        Section("two", [(panel(), 24)], height=6),
    )

    assert [where(panel) for panel in panels] == [
        (0, 0, 24, 1),
        (0, 1, 12, 4),
        (12, 1, 12, 4),
        (0, 5, 8, 4),
        (0, 9, 24, 1),
        (0, 10, 24, 6),
    ]
    assert [panel.id_val for panel in panels] == [1, 2, 3, 4, 5, 6]


def test_a_collapsed_row_holds_its_panels() -> None:
    row, after = placed(
        Section("one", [(panel(), 12), (panel(), 12)], height=4, collapsed=True), Section("two", [])
    )[:2]

    assert row.collapsed
    assert [where(held) for held in row.panels] == [(0, 1, 12, 4), (12, 1, 12, 4)]
    assert (after.title, where(after)) == ("two", (0, 5, 24, 1))


def test_a_row_is_repeated_for_a_variable() -> None:
    assert [row.repeat for row in placed(Section("$check", [], repeat="check"), Section("one", []))] == [
        "check",
        None,
    ]
