from collections.abc import Callable

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import Finding
from recwatch_exporter.web.overview import Reloading, overview_page
from recwatch_exporter.web.query import Query
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.view import list_view

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]
MakeState = Callable[..., CheckState]
LOADED = Reloading(successful=True, succeeded_at=1.0)


def page_of(
    states: list[CheckState], now: float, query: Query | None = None, config: Reloading = LOADED
) -> str:
    query = query or Query()
    view = list_view(states, query, now=now, past=lambda _: {}, next_run=lambda _: now + 120)
    return overview_page(view, query, now=now, config=config)


def test_a_row_holds_what_decides(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check(models=["als", "bpr"])
    page = page_of([state(made, finding(made, 0.2, p_value=0.01, detected=True))], now)
    for shown in (
        '<a href="checks/ratings"><bdi>ratings</bdi></a>',
        "<small>ks · <bdi>rating</bdi> · als, bpr</small>",
        "<b>0.2</b><small>drift if ≥ 0.1</small>",
        '<span class="sure">0.01</span><small>≤ alpha 0.05</small>',
        "<small>1\u202f000 reference</small>",
        ">1 min ago</time>",
        ">in 2 min</time>",
    ):
        assert shown in page


def test_many_columns_are_one_row(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check(columns=["a", "b", "c"])
    found = [finding(made, feature=name, detected=name == "b") for name in made.fields]
    assert "1 of 3 columns with drift" in page_of([state(made, *found)], now)
    steady = [finding(made, feature=name) for name in made.fields]
    assert "<bdi>3 columns</bdi>" in page_of([state(made, *steady)], now)


def test_of_several_findings_the_row_names_the_one_it_shows(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check(columns=["a", "<b>"])
    two = [finding(made, 0.3, feature="a", detected=True), finding(made, 0.4, feature="<b>", detected=True)]
    part = finding(made, 0.5, feature="a", segment="DE", detected=True)

    assert "<b>0.4</b><small>drift if ≥ 0.1</small></div><small>of <bdi>&lt;b&gt;</bdi></small>" in page_of(
        [state(made, *two)], now
    )
    assert "<small>of <bdi>a</bdi>, <bdi>DE</bdi></small>" in page_of(
        [state(made, finding(made, feature="a"), part)], now
    )
    assert "<small>of " not in page_of([state(made, two[0])], now)


def test_a_failure_says_what_to_do(check: MakeCheck, now: float) -> None:
    failed = CheckState(check=check(), success=False, error="no <file>: write it")
    assert "no &lt;file&gt;: write it" in page_of([failed], now)


def test_a_configuration_that_could_not_be_loaded(check: MakeCheck, now: float) -> None:
    states = [CheckState(check=check())]
    bad = Reloading(successful=False, succeeded_at=now - 7200)
    assert "could not be loaded" in page_of(states, now, config=bad)
    assert "could not be loaded" not in page_of(states, now)


def test_nothing_found(check: MakeCheck, now: float) -> None:
    page = page_of([CheckState(check=check())], now, Query(state=Status.DRIFT, search="<x>"))
    assert "No check fits." in page
    assert 'value="&lt;x&gt;"' in page
    assert '<input type="hidden" name="state" value="drift">' in page
