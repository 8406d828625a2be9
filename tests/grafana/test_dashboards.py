"""What holds for every dashboard."""

import re
from itertools import combinations
from typing import Any

import promql_parser

from recwatch_dashboards.queries import BUILT_IN, without_variables
from recwatch_dashboards.tables import EMPTY_CELL
from recwatch_dashboards.variables import STORE_TYPE

_VARIABLE = re.compile(r"\$\{?(\w+)")
SOURCES = {"prometheus": "${datasource}", STORE_TYPE: "${store}"}
NARROWEST = 4
"""Columns of 24: below, nothing can be read on a laptop."""
# Grafana's functions of time; SQL has no other.
SQL_BUILT_IN = {"__timeFilter"}


def test_ids_are_there_and_unique(placed: list[dict[str, Any]]) -> None:
    ids = [panel["id"] for panel in placed]

    assert all(isinstance(number, int) and number > 0 for number in ids)
    assert len(set(ids)) == len(ids)


def test_every_panel_has_title_description_unit_and_a_word_for_no_data(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert defaults["noValue"].lower() not in {"no data", "-", "n/a"}, panel["title"]


def test_what_shows_no_words_of_its_own_explains_in_its_description(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        if panel["type"] == "state-timeline":
            assert f"Empty: {panel['fieldConfig']['defaults']['noValue']}." in panel["description"]


def test_an_empty_cell_of_a_table_is_not_the_word_for_no_row_and_a_text_is_no_number(
    panels: list[dict[str, Any]],
) -> None:
    for panel in panels:
        if panel["type"] == "table":
            # Before a column's own: the last override that matches counts.
            assert panel["fieldConfig"]["overrides"][:2] == [
                {
                    "matcher": {"id": "byRegexp", "options": ".*"},
                    "properties": [{"id": "noValue", "value": EMPTY_CELL}],
                },
                {
                    "matcher": {"id": "byType", "options": "string"},
                    "properties": [{"id": "unit", "value": "string"}],
                },
            ], panel["title"]


def test_a_threshold_alone_does_not_hide_that_there_is_no_data(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        for target in panel["targets"]:
            if target.get("expr", "").startswith(("alert:threshold", "(alert:threshold", "vector(")):
                first = panel["targets"][0]["expr"]
                assert target["expr"].endswith(f" and on () ({first})"), panel["title"]


def test_alerts_of_other_models_are_left_out_where_models_are_chosen(
    board: dict[str, Any], targets: list[dict[str, Any]]
) -> None:
    if "model" in {variable["name"] for variable in board["templating"]["list"]}:
        for part in (*targets, *board["annotations"]["list"]):
            for chosen in re.findall(r"ALERTS\w*\{(.*?)\}", part["expr"]):
                assert 'model=~"$model|"' in chosen, part["expr"]


def test_titles_are_unique(placed: list[dict[str, Any]]) -> None:
    titles = [panel["title"] for panel in placed]

    assert len(set(titles)) == len(titles)


def test_titles_and_uids_of_dashboards_are_unique(boards: dict[str, dict[str, Any]]) -> None:
    assert len({board["uid"] for board in boards.values()}) == len(boards)
    assert len({board["title"] for board in boards.values()}) == len(boards)


def test_nothing_overlaps_or_leaves_the_grid(placed: list[dict[str, Any]]) -> None:
    places = [panel["gridPos"] for panel in placed]

    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


def test_panels_fill_the_width(placed: list[dict[str, Any]]) -> None:
    widths: dict[int, int] = {}
    for panel in placed:
        widths[panel["gridPos"]["y"]] = widths.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]

    assert set(widths.values()) == {24}


def test_every_panel_can_be_read_on_a_laptop(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        assert panel["gridPos"]["w"] >= NARROWEST, panel["title"]
        if panel["type"] == "timeseries":
            assert panel["gridPos"]["w"] >= 6, panel["title"]
            assert panel["gridPos"]["h"] >= 8, panel["title"]
            assert panel["options"]["legend"]["placement"] == "bottom", panel["title"]
            assert panel["options"]["legend"]["displayMode"] == "list", panel["title"]


def test_panels_stand_below_the_question_that_they_answer(board: dict[str, Any]) -> None:
    assert board["panels"][0]["type"] == "row"
    rows = [panel for panel in board["panels"] if panel["type"] == "row"]
    assert all(bool(row["panels"]) == bool(row.get("collapsed")) for row in rows)


def test_the_targets_of_a_panel_are_told_apart(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        references = [target["refId"] for target in panel["targets"]]
        assert references == [chr(ord("A") + position) for position in range(len(references))]


def test_everything_asks_a_chosen_data_source(board: dict[str, Any], panels: list[dict[str, Any]]) -> None:
    queried = [variable for variable in board["templating"]["list"] if variable["type"] == "query"]
    targets = [target for panel in panels for target in panel["targets"]]
    marks = board["annotations"]["list"]

    assert queried
    for part in (*panels, *targets, *queried, *marks):
        assert part["datasource"]["uid"] == SOURCES[part["datasource"]["type"]]
    for panel in panels:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {panel["datasource"]["uid"]}


def test_what_is_imported_by_hand_asks_for_nothing_but_the_data_source(board: dict[str, Any]) -> None:
    assert "__inputs" not in board
    sources = [variable for variable in board["templating"]["list"] if variable["type"] == "datasource"]
    assert sources[0]["name"] == "datasource"
    assert {f"${{{source['name']}}}": source["query"] for source in sources}.items() <= {
        uid: kind for kind, uid in SOURCES.items()
    }.items()


def test_every_variable_that_is_used_exists_and_every_one_that_exists_is_used(
    board: dict[str, Any], placed: list[dict[str, Any]], panels: list[dict[str, Any]]
) -> None:
    names = {variable["name"] for variable in board["templating"]["list"]}
    targets = [target for panel in panels for target in panel["targets"]]
    texts = [
        *(target.get("expr") or target["rawSql"] for target in targets),
        *(target.get("legendFormat", "") for target in targets),
        *(target["datasource"]["uid"] for target in targets),
        *(panel["title"] for panel in placed),
        *(f"${panel['repeat']}" for panel in placed if panel.get("repeat")),
        *(mark["expr"] for mark in board["annotations"]["list"]),
        *(str(variable["query"]) for variable in board["templating"]["list"]),
    ]

    used = {name for text in texts for name in _VARIABLE.findall(text)} - BUILT_IN.keys() - SQL_BUILT_IN

    assert used == names
    assert {panel["repeat"] for panel in placed if panel.get("repeat")} <= names


def test_every_query_parses(board: dict[str, Any], targets: list[dict[str, Any]]) -> None:
    for expr in (*(target["expr"] for target in targets), *(m["expr"] for m in board["annotations"]["list"])):
        promql_parser.parse(without_variables(expr))


def test_a_series_of_a_graph_has_a_readable_name(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        if panel["type"] in {"timeseries", "state-timeline"}:
            # SQL names its series itself.
            asked = [target for target in panel["targets"] if "expr" in target]
            assert all(target["legendFormat"] for target in asked), panel["title"]


def test_series_of_different_queries_have_different_names(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        if panel["type"] != "timeseries":
            continue
        legends = [target.get("legendFormat") for target in panel["targets"]]
        assert len(set(legends)) == len(legends), panel["title"]


def test_a_threshold_is_a_line_of_its_own(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        overrides = {
            override["matcher"]["options"]: {part["id"] for part in override["properties"]}
            for override in panel["fieldConfig"].get("overrides", [])
        }
        for target in panel["targets"]:
            if "threshold" in target.get("expr", "") and panel["type"] == "timeseries":
                assert {"custom.lineStyle", "custom.lineWidth", "color"} <= overrides[target["refId"]]


def test_no_two_queries_of_a_graph_look_the_same(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        looks = [
            (str(drawn.get("custom.lineStyle")), drawn["color"]["fixedColor"])
            for override in panel["fieldConfig"].get("overrides", [])
            if override["matcher"]["id"] == "byFrameRefID"
            for drawn in ({part["id"]: part["value"] for part in override["properties"]},)
            if "color" in drawn
        ]
        assert len(set(looks)) == len(looks), panel["title"]


def test_the_uid_is_stable(boards: dict[str, dict[str, Any]]) -> None:
    for name, board in boards.items():
        assert board["uid"] == f"recwatch-{name}"
        assert "id" not in board
