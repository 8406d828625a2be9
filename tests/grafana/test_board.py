"""Links between dashboards, with the time and what is chosen kept; marks of what was done."""

import re
from typing import Any

from recwatch_dashboards.board import TAG

_TARGET = re.compile(r"^/d/([\w-]+)\?(.*)$")


def test_every_dashboard_leads_to_all_others(board: dict[str, Any]) -> None:
    (link,) = board["links"]

    assert board["tags"] == link["tags"] == [TAG]
    assert link["type"] == "dashboards"
    assert link["keepTime"] is True
    assert link["includeVars"] is True
    assert link["targetBlank"] is False


def test_every_link_of_a_panel_leads_to_a_dashboard_and_keeps_time_and_choice(
    boards: dict[str, dict[str, Any]], board: dict[str, Any], panels: list[dict[str, Any]]
) -> None:
    uids = {other["uid"] for other in boards.values()}
    for panel in panels:
        for link in panel.get("links") or []:
            match = _TARGET.match(link["url"])
            assert match, link
            assert match[1] in uids - {board["uid"]}
            # What the other dashboard does not have, it ignores.
            assert match[2].split("&") == ["${__url_time_range}", "${__all_variables}"]


def test_the_overview_leads_to_what_it_shows(boards: dict[str, dict[str, Any]]) -> None:
    linked = {
        link["url"].split("?")[0]
        for panel in boards["overview"]["panels"]
        for link in panel.get("links") or []
    }
    everything = {f"/d/{board['uid']}" for board in boards.values()}
    # Reranking is a part of a service's answers, on which the service's dashboard says more.
    assert linked == everything - {"/d/recwatch-overview", "/d/recwatch-rerank"}


def test_promotions_rollbacks_retraining_and_alerts_are_marked(board: dict[str, Any]) -> None:
    marks = {mark["name"]: mark for mark in board["annotations"]["list"]}

    assert list(marks) == ["Promotions", "Rollbacks", "Retraining", "Alerts"]
    assert all(mark["enable"] and not mark["hide"] and mark["textFormat"] for mark in marks.values())
    has_model = "model" in {variable["name"] for variable in board["templating"]["list"]}
    assert all(("$model" in mark["expr"]) is has_model for mark in marks.values())
