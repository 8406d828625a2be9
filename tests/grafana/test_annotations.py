import json
import re
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from recwatch_dashboards.annotations import annotations


def written(*, by_model: bool) -> list[dict[str, Any]]:
    marks: list[dict[str, Any]] = json.loads(
        json.dumps([mark.build() for mark in annotations(by_model=by_model)], cls=JSONEncoder)
    )
    return marks


def test_a_mark_says_by_what_it_differs_from_the_others_of_its_kind() -> None:
    for mark in written(by_model=True):
        (labels,) = re.findall(r"by \(([\w, ]+)\)", mark["expr"])
        shown = {*re.findall(r"\{\{(\w+)\}\}", mark["textFormat"]), *mark["tagKeys"].split(",")}
        assert shown == set(labels.split(", ")), mark["name"]
        assert mark["titleFormat"]


def test_marks_are_of_the_chosen_models_where_models_are_chosen() -> None:
    *done, alerts = written(by_model=True)
    assert all('model=~"$model"' in mark["expr"] for mark in done)
    # An alert of no model may be about any.
    assert 'model=~"$model|"' in alerts["expr"]
    assert all("$model" not in mark["expr"] for mark in written(by_model=False))


def test_a_long_step_misses_no_event() -> None:
    assert all("[$__rate_interval]" in mark["expr"] for mark in written(by_model=True))
