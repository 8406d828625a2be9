from collections.abc import Callable
from typing import Any

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.results import Finding
from recwatch_exporter.web.bars import Bins
from recwatch_exporter.web.findings import Table, by_weight, limit_text, view_of

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]


def test_limits(check: MakeCheck) -> None:
    assert limit_text(check()) == "≥ 0.1"
    assert limit_text(check(type_="embedding")) == "< 0.95"


def test_the_worst_come_first(check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    findings = [
        finding(made, 0.01, feature="far"),
        finding(made, 0.09, feature="near"),
        finding(made, 0.3, feature="few", enough_rows=False),
        finding(made, None, feature="failed", error="gone"),
        finding(made, 0.4, feature="part", segment="DE", detected=True),
        finding(made, 0.2, feature="drifted", detected=True),
    ]
    names = [item.feature for item in by_weight(made, findings)]
    assert names == ["drifted", "part", "failed", "few", "near", "far"]


@pytest.mark.parametrize(("kind", "worst", "bad"), [("ks", 0.9, 0.3), ("embedding", 0.2, 0.7)])
def test_beyond_the_dial_the_effect_still_decides(
    kind: str, worst: float, bad: float, check: MakeCheck, finding: MakeFinding
) -> None:
    made = check(type_=kind)
    findings = [
        finding(made, bad, feature="a", detected=True),
        finding(made, worst, feature="b", detected=True),
        finding(made, bad, feature="a", segment="DE", detected=True),
        finding(made, worst, feature="b", segment="FI", detected=True),
    ]
    ordered = [(item.feature, item.segment) for item in by_weight(made, findings)]
    assert ordered == [("b", "all"), ("a", "all"), ("b", "FI"), ("a", "DE")]


def test_where_low_is_bad_the_lowest_come_first(check: MakeCheck, finding: MakeFinding) -> None:
    made = check(type_="embedding")
    findings = [finding(made, value, feature=str(value)) for value in (0.99, 0.96, 0.97)]
    assert [item.feature for item in by_weight(made, findings)] == ["0.96", "0.97", "0.99"]


def test_details_become_pictures_and_tables(check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    details = {
        "bins": {"labels": ["1", 2], "reference": [0.5, 0.5], "current": [1, 0]},
        "features": [{"feature": "age", "importance": 0.3}],
        "worst": [{"id": 7, "cosine": 0.61234}, {"id": "x", "cosine": 0.7}],
        "rose": [{"id": "a", "reference": 0.0, "current": 0.25}],
        "clusters_seen": 12,
        "kept": True,
    }
    view = view_of(made, finding(made, details=details))
    assert view.bins == Bins(labels=("1", "2"), reference=(0.5, 0.5), current=(1.0, 0.0))
    assert view.importances == (("age", 0.3),)
    assert view.tables == (
        Table("Furthest apart", ("id", "cosine"), (("7", "0.612"), ("x", "0.7"))),
        Table("Share rose most", ("id", "reference", "current"), (("a", "0 %", "25 %"),)),
    )
    assert dict(view.figures) == {"Clusters seen": 12}
    assert view.details == '{\n  "kept": true\n}'


@pytest.mark.parametrize(
    "bins",
    [
        None,
        "text",
        {},
        {"labels": [], "current": []},
        {"labels": ["a"], "current": [float("nan")]},
        {"labels": ["a"], "current": [-1]},
        {"labels": ["a"], "current": ["1"]},
        {"labels": ["a"], "current": [0.5, 0.5]},
        {"labels": ["a"], "current": [1.0], "reference": [0.5, 0.5]},
        {"labels": 3, "current": [1.0]},
    ],
)
def test_bins_of_another_shape_give_no_picture(bins: Any, check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    assert view_of(made, finding(made, details={"bins": bins})).bins is None


@pytest.mark.parametrize("given", [None, 3, "text", [], [3], [{"importance": "much"}], {"a": 1}])
def test_details_of_another_shape_are_borne(given: Any, check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    view = view_of(made, finding(made, details={"worst": given, "features": given}))
    assert view.importances == ()


def test_details_are_bounded(check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    details = {
        "bins": {"labels": list(range(1000)), "current": [0.001] * 1000},
        "worst": list(range(1000)),
        "text": "x" * 100_000,
    }
    view = view_of(made, finding(made, details=details))
    assert view.bins is not None
    assert len(view.bins.labels) == 40
    assert [len(table.rows) for table in view.tables] == [10]
    assert len(view.details) < 10_000
