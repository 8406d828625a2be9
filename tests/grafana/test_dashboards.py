"""What holds for every dashboard."""

import re
from itertools import combinations
from typing import Any

import promql_parser

_VARIABLE = re.compile(r"\$\{?(\w+)")
# Grafana's own, and something that parses in the place of each.
BUILT_IN = {"__rate_interval": "5m", "__range": "1h", "__interval": "1m"}


def test_ids_are_there_and_unique(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]

    assert all(isinstance(number, int) and number > 0 for number in ids)
    assert len(set(ids)) == len(ids)


def test_every_panel_has_title_description_unit_and_a_word_for_no_data(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]


def test_titles_are_unique(board: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in board["panels"]]

    assert len(set(titles)) == len(titles)


def test_nothing_overlaps_or_leaves_the_grid(board: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in board["panels"]]

    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


def test_the_targets_of_a_panel_are_told_apart(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        references = [target["refId"] for target in panel["targets"]]
        assert references == [chr(ord("A") + position) for position in range(len(references))]


def test_everything_asks_the_chosen_data_source(
    board: dict[str, Any], panels: list[dict[str, Any]], targets: list[dict[str, Any]]
) -> None:
    queried = [variable for variable in board["templating"]["list"] if variable["type"] == "query"]

    assert queried
    for part in (*panels, *targets, *queried):
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_variable_that_is_used_exists(board: dict[str, Any], targets: list[dict[str, Any]]) -> None:
    names = {variable["name"] for variable in board["templating"]["list"]}
    texts = [
        *(target["expr"] for target in targets),
        *(target["legendFormat"] for target in targets),
        *(panel["title"] for panel in board["panels"]),
        *(panel["repeat"] for panel in board["panels"] if panel.get("repeat")),
        *(str(variable["query"]) for variable in board["templating"]["list"]),
    ]

    used = {name for text in texts for name in _VARIABLE.findall(text)}

    assert used <= names | BUILT_IN.keys()
    assert {panel["repeat"] for panel in board["panels"] if panel.get("repeat")} <= names


def test_every_query_parses(targets: list[dict[str, Any]]) -> None:
    for target in targets:
        expr = _VARIABLE.sub(lambda match: BUILT_IN.get(match[1], "value"), target["expr"])
        promql_parser.parse(expr)


def test_a_series_of_a_graph_has_a_readable_name(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        if panel["type"] in {"timeseries", "state-timeline"}:
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_the_uid_is_stable(board: dict[str, Any]) -> None:
    assert board["uid"].startswith("recwatch-")
    assert "id" not in board
