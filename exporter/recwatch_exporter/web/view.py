"""The view model: what the exporter knows, as the page shows it; pure functions of state and time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState, History, Point
from recwatch_exporter.results import ALL
from recwatch_exporter.web.findings import FindingView, by_weight, view_of
from recwatch_exporter.web.query import Query
from recwatch_exporter.web.status import Status, statuses

CHECKS_A_PAGE = 100
FINDINGS_A_PAGE = 20

Past = Callable[[str], History]
"""Gives the points of a check's findings, oldest first."""
NextRun = Callable[[str], float | None]
"""Gives the Unix time of a check's next run; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """A check as the page shows it.

    Attributes:
        check: its configuration.
        statuses: every state it is in, the worst first.
        lead: the finding that says most; None before the first success.
        features: how many features there are, and with drift, over all rows.
        segments: how many findings there are about segments, and with drift.
        last_success: Unix time; None before the first.
        last_result: Unix time of the figures: later than the last success where some features failed.
        next_run: Unix time; None where there is none.
        past: the points of the finding that says most, oldest first.
    """

    check: Check
    state: CheckState
    statuses: tuple[Status, ...]
    lead: FindingView | None
    features: tuple[int, int]
    segments: tuple[int, int]
    last_success: float | None
    last_result: float | None
    next_run: float | None
    past: tuple[Point, ...]

    @property
    def status(self) -> Status:
        """The worst one."""
        return self.statuses[0]


@dataclass(frozen=True, kw_only=True)
class ListView:
    """The list of checks.

    Attributes:
        checks: those of this page, the worst state first, then as configured.
        counts: how many checks are in each state; one check may be in several.
        total: how many checks there are.
        found: how many of them were asked for.
        page: which page of them this is, from 1.
        pages: how many there are.
    """

    checks: tuple[CheckView, ...]
    counts: Mapping[Status, int]
    total: int
    found: int
    page: int
    pages: int


def check_view(state: CheckState, *, now: float, past: Past, next_run: NextRun) -> CheckView:
    """A check made ready for the page."""
    findings = by_weight(state.check, state.result.findings) if state.result else []
    whole = [finding for finding in findings if finding.segment == ALL]
    parts = [finding for finding in findings if finding.segment != ALL]
    return CheckView(
        check=state.check,
        state=state,
        statuses=statuses(state, now),
        lead=view_of(state.check, findings[0]) if findings else None,
        features=(len(whole), sum(finding.detected for finding in whole)),
        segments=(len(parts), sum(finding.detected for finding in parts)),
        last_success=state.last_success or None,
        last_result=state.last_result or None,
        next_run=next_run(state.check.name),
        past=past(state.check.name).get((findings[0].feature, findings[0].segment), ()) if findings else (),
    )


def list_view(
    states: Sequence[CheckState], query: Query, *, now: float, past: Past, next_run: NextRun
) -> ListView:
    """The checks that were asked for, one page of them; only these are made ready."""
    known = [(state, statuses(state, now)) for state in states]
    order = {status: place for place, status in enumerate(Status)}
    found = sorted(
        (
            (state, of_state)
            for state, of_state in known
            if (query.state is None or query.state in of_state) and matches(state, query.words)
        ),
        key=lambda item: order[item[1][0]],
    )
    pages = max(1, ceil(len(found) / CHECKS_A_PAGE))
    page = min(query.page, pages)
    shown = found[(page - 1) * CHECKS_A_PAGE : page * CHECKS_A_PAGE]
    counts = Counter(status for _, of_state in known for status in of_state)
    return ListView(
        checks=tuple(check_view(state, now=now, past=past, next_run=next_run) for state, _ in shown),
        counts={status: counts[status] for status in Status},
        total=len(states),
        found=len(found),
        page=page,
        pages=pages,
    )


def matches(state: CheckState, words: Sequence[str]) -> bool:
    """Whether every word occurs in the check's name, type, models, columns or features."""
    if not words:
        return True
    check, result = state.check, state.result
    features = [finding.feature for finding in result.findings] if result else []
    told = " ".join((check.name, check.type, *check.models, *check.fields, *features)).casefold()
    return all(word in told for word in words)


def findings_page(state: CheckState, page: int) -> tuple[tuple[FindingView, ...], int, int]:
    """One page of a check's findings, the worst first; which page it is, and how many there are."""
    findings = by_weight(state.check, state.result.findings) if state.result else []
    pages = max(1, ceil(len(findings) / FINDINGS_A_PAGE))
    page = min(page, pages)
    shown = findings[(page - 1) * FINDINGS_A_PAGE : page * FINDINGS_A_PAGE]
    return tuple(view_of(state.check, finding) for finding in shown), page, pages
