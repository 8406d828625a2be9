from collections.abc import Callable

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState, Point
from recwatch_exporter.results import Finding
from recwatch_exporter.web.check_page import check_page
from recwatch_exporter.web.view import check_view

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]
MakeState = Callable[..., CheckState]


def page_of(state: CheckState, now: float, page: int = 1) -> str:
    findings = state.result.findings if state.result else ()
    points = tuple(Point(now - 7200 + 3600 * run, 0.1, 0.1, 0.5, detected=run == 2) for run in range(3))
    history = {(item.feature, item.segment): points for item in findings}
    view = check_view(state, now=now, past=lambda _: history, next_run=lambda _: None)
    return check_page(view, history, page, now=now, root="../")


def test_what_the_check_is_told(check: MakeCheck, finding: MakeFinding, state: MakeState, now: float) -> None:
    made = check(
        filter={"event": "<rating>"}, cluster="user_id", models=["als"], schedule={"cron": "0 9 * * mon"}
    )
    page = page_of(state(made, finding(made)), now)
    for name, shown in (
        ("Compares", "ks of <bdi>rating</bdi>"),
        ("Reference", "<bdi>ref.parquet</bdi>"),
        ("Current", "<bdi>cur.parquet</bdi>"),
        ("Models", "als"),
        ("Drift if", "effect size ≥ 0.1 and p ≤ 0.05"),
        ("Only where", "<bdi>event = &lt;rating&gt;</bdi> "),
        ("Clusters", "<bdi>user_id</bdi>"),
        ("Runs", "at 0 9 * * mon (cron, UTC)"),
        ("Last run took", "1.5 s"),
        ("Rows", "1\u202f000 reference, 500 current"),
    ):
        assert f"<dt>{name}</dt><dd>{shown}</dd>" in page
    assert made.check_type.null in page


def test_the_whole_history(check: MakeCheck, finding: MakeFinding, state: MakeState, now: float) -> None:
    made = check()
    page = page_of(state(made, finding(made)), now)
    assert "3 runs as a table" in page
    assert "<td>2026-03-02 09:00:00 UTC</td><td>0.1</td><td>0.5</td><td>drift</td>" in page


def test_findings_stand_on_several_pages(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check()
    many = state(made, *(finding(made, feature=f"f{number}") for number in range(41)))
    assert page_of(many, now).count("<article>") == 20
    last = page_of(many, now, page=3)
    assert last.count("<article>") == 1
    assert "page 3 of 3" in last
    assert '<a href="?page=2" rel="prev">' in last


def test_a_failed_run_keeps_the_last_figures(
    check: MakeCheck, finding: MakeFinding, state: MakeState, now: float
) -> None:
    made = check()
    failed = state(made, finding(made), success=False, error="gone: write it", failures={"source": 2})
    page = page_of(failed, now)
    assert "The last run failed: gone: write it" in page
    assert "What stands below was found " in page
    assert "data missing, or not as asked: 2" in page


def test_before_the_first_run(check: MakeCheck, now: float) -> None:
    page = page_of(CheckState(check=check()), now)
    assert "No run has found anything yet." in page
    assert 'http-equiv="refresh"' in page
