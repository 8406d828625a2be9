from collections.abc import Callable

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState, Point
from recwatch_exporter.results import Finding
from recwatch_exporter.web.query import Query
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.view import ListView, check_view, findings_page, list_view, matches

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]
MakeState = Callable[..., CheckState]


def listed(states: list[CheckState], now: float, query: Query | None = None) -> ListView:
    return list_view(states, query or Query(), now=now, past=lambda _: {}, next_run=lambda _: None)


def test_a_check_is_led_by_its_worst_finding(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check(columns=["a", "b"], segment_by="country", permutations=9999)
    found = state(
        made,
        finding(made, feature="a"),
        finding(made, 0.2, feature="b", detected=True),
        finding(made, 0.3, feature="b", segment="DE", detected=True),
    )
    points = (Point(now, 0.2, 0.2, 0.001, detected=True),)
    view = check_view(
        found, now=now, past=lambda _: {("b", "all"): points}, next_run=lambda name: now + len(name)
    )
    assert view.lead is not None
    assert (view.lead.feature, view.lead.segment) == ("b", "all")
    assert (view.features, view.segments, view.past) == ((2, 1), (1, 1), points)
    assert (view.last_success, view.next_run) == (now - 60, now + len("ratings"))


def test_a_check_that_never_ran(check: MakeCheck, now: float) -> None:
    (view,) = listed([CheckState(check=check())], now).checks
    assert (view.status, view.lead, view.past, view.last_success) == (Status.WAITING, None, (), None)


def test_the_worst_state_comes_first_then_the_configurations_order(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    steady, waiting, also_steady, drifted = (check(name) for name in ("z", "waiting", "a", "drifted"))
    view = listed(
        [
            state(steady, finding(steady)),
            CheckState(check=waiting),
            state(also_steady, finding(also_steady)),
            state(drifted, finding(drifted, 0.5, detected=True), success=False, error="gone"),
        ],
        now,
    )
    assert [item.check.name for item in view.checks] == ["drifted", "waiting", "z", "a"]
    assert view.counts == {
        Status.DRIFT: 1,
        Status.FAILED: 1,
        Status.OVERDUE: 0,
        Status.FEW_ROWS: 0,
        Status.WAITING: 1,
        Status.STEADY: 2,
    }


def test_filters(check: MakeCheck, finding: MakeFinding, state: MakeState, now: float) -> None:
    first, second = check("first", models=["als"]), check("second", columns=["Age", "price"])
    states = [state(first, finding(first)), state(second, finding(second, detected=True), success=False)]

    def names(**query: object) -> list[str]:
        return [item.check.name for item in listed(states, now, Query(**query)).checks]  # type: ignore[arg-type]

    assert names(state=Status.FAILED) == ["second"]
    assert names(state=Status.STEADY, search="ALS first") == ["first"]
    assert names(search="age ks") == ["second"]
    assert names(search="als price") == []


def test_features_that_only_the_data_names_are_found(
    check: MakeCheck, finding: MakeFinding, state: MakeState
) -> None:
    made = check()
    assert matches(state(made, finding(made, feature="Straße")), ("strasse",))


def test_a_thousand_checks_make_pages_of_a_hundred(check: MakeCheck, now: float) -> None:
    states = [CheckState(check=check(f"check_{number}")) for number in range(1000)]
    view = listed(states, now, Query(page=10))
    assert (len(view.checks), view.page, view.pages, view.found, view.total) == (100, 10, 10, 1000, 1000)
    assert listed(states, now, Query(page=99)).page == 10


def test_findings_make_pages_too(check: MakeCheck, finding: MakeFinding, state: MakeState) -> None:
    made = check()
    many = state(made, *(finding(made, feature=str(number)) for number in range(45)))
    for asked, expected in ((1, (20, 1, 3)), (3, (5, 3, 3)), (9, (5, 3, 3))):
        shown, page, pages = findings_page(many, asked)
        assert (len(shown), page, pages) == expected
