import json
from collections.abc import Callable

import requests

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState, Point
from recwatch_exporter.web.api import check_json, json_response


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


def test_the_json_of_one_check(site: str, hostile: str) -> None:
    answer = get(f"{site}/api/v1/checks/titles").json()
    assert (answer["check"], answer["type"], answer["models"]) == ("titles", "embedding", ["als"])
    (finding,) = answer["findings"]
    assert finding["details"]["worst"] == [{"id": hostile, "cosine": 0.1}]
    assert finding["details"]["nan"] is None, "JSON knows no NaN"
    (history,) = answer["history"]
    assert [point["effect_size"] for point in history["points"]] == [0.97] * 3
    missing = get(f"{site}/api/v1/checks/nothing")
    assert (missing.status_code, missing.json()) == (
        404,
        {"error": "no check nothing: GET /api/v1/checks lists them"},
    )
    assert len(json.loads(get(f"{site}/api/v1/checks").text)) == 9


def test_a_check_that_never_ran(check: Callable[..., Check]) -> None:
    answer = check_json(CheckState(check=check()), {})
    assert (answer["success"], answer["last_success"], answer["history"]) == (None, None, [])
    assert [finding["statistic"] for finding in answer["findings"]] == [None]


def test_a_point_of_the_history(check: Callable[..., Check]) -> None:
    history = {("rating", "all"): (Point(7.0, 0.1, 0.2, None, detected=True),)}
    (told,) = check_json(CheckState(check=check()), history)["history"]
    assert told == {
        "feature": "rating",
        "segment": "all",
        "points": [
            {
                "at": "1970-01-01T00:00:07+00:00",
                "statistic": 0.1,
                "effect_size": 0.2,
                "p_value": None,
                "detected": True,
            }
        ],
    }


def test_what_json_cannot_hold() -> None:
    body = json_response({"a": [float("nan"), (float("inf"), 1)], 2: "\ud800", "c": {1}}).body
    assert json.loads(bytes(body)) == {"a": [None, [None, 1]], "2": "\ud800", "c": "{1}"}
