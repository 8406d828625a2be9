"""A check's own page: what it is told, its whole history, and every finding with a picture."""

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import CheckState, History
from recwatch_exporter.results import ALL
from recwatch_exporter.web.finding_card import finding_card
from recwatch_exporter.web.findings import limit_text
from recwatch_exporter.web.layout import document, time_text
from recwatch_exporter.web.markup import Content, Markup, clean, tag
from recwatch_exporter.web.parts import pages, past, signs
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.view import CheckView, findings_page
from recwatch_exporter.web.words import amount, count, duration, figure, moment, schedule_text, side_text

_MOST_MESSAGE = 4_000
_MOST_RUNS = 200
_TREND_HEIGHT = 110
_REASONS = {
    "source": "data missing, or not as asked",
    "statistic": "not defined on the data",
    "timeout": "took too long",
    "memory": "took too much memory",
    "crashed": "the process ended by itself",
    "internal": "a mistake of the exporter: its log has more",
}


def check_page(view: CheckView, history: History, page: int, *, now: float, root: str) -> str:
    """The whole page. It loads itself anew only until the first run has ended: what is open stays open."""
    state, check = view.state, view.check
    findings, page, last = findings_page(state, page)
    total = view.features[0] + view.segments[0]
    cards = [
        # The history of one finding alone stands at the top.
        finding_card(check, finding, history.get((finding.feature, finding.segment), ()) if total > 1 else ())
        for finding in findings
    ]
    content = [
        tag("p", tag("a", "← All checks", href=root)),
        tag("div", tag("h1", tag("bdi", check.name)), tag("span", signs(view.statuses)), class_="head"),
        tag("small", f"as of {moment(now)} · ", tag("a", "reload", href="")),
        _message(view, now),
        tag("div", _facts(view, now), _history(view), class_="split"),
        _reading(check),
        tag(
            "h2",
            "Findings" if total > 1 else "Finding",
            tag("small", f" {count(total)}") if total > 1 else None,
        )
        if cards
        else tag("p", "No run has found anything yet."),
        tag("div", cards, class_="findings" if len(cards) > 1 else "findings one"),
        pages(page, last, lambda number: f"?page={number}", "Pages of findings"),
    ]
    return document(f"{check.name} · recwatch", *content, root=root, refresh=view.status is Status.WAITING)


def _message(view: CheckView, now: float) -> Content:
    error = view.state.error
    if error is None:
        return None
    after = None
    if view.last_result is not None:
        after = tag("p", "What stands below was found ", time_text(view.last_result, now), ".")
    words = tag(
        "p", tag("span", "The last run failed: ", clean(error, _MOST_MESSAGE)), class_="message failed"
    )
    return [words, after]


def _facts(view: CheckView, now: float) -> Markup:
    check, state = view.check, view.state
    facts: list[tuple[str, Content]] = [
        ("Compares", [check.type, " of ", tag("bdi", check.label)]),
        ("Reference", None if check.reference is None else tag("bdi", side_text(check.reference))),
        ("Current", tag("bdi", side_text(check.current))),
        ("Models", ", ".join(check.models) or "none named"),
        (
            "Drift if",
            f"effect size {limit_text(check)}"
            + (f" and p ≤ {figure(check.alpha)}" if check.has_p_value else ""),
        ),
        ("Rows needed", count(check.min_rows)),
        ("Only where", [[tag("bdi", f"{key} = {value}"), " "] for key, value in check.filter.items()]),
        ("Clusters", tag("bdi", check.cluster) if check.cluster else None),
        ("Segments", [tag("bdi", check.segment_by)] if check.segment_by else None),
        ("Runs", schedule_text(check.schedule)),
        ("Last success", "never" if view.last_success is None else time_text(view.last_success, now)),
        ("Next run", None if view.next_run is None else time_text(view.next_run, now)),
        ("Last run took", None if state.duration is None else duration(state.duration)),
        ("Rows", _rows(state)),
        ("Newest record", _newest(state, now)),
        ("Failed runs", _failures(state)),
    ]
    shown = [[tag("dt", name), tag("dd", value)] for name, value in facts if value]
    return tag("dl", shown, class_="facts")


def _rows(state: CheckState) -> Content:
    rows = state.result.rows if state.result else {}
    return ", ".join(f"{count(number)} {window}" for window, number in rows.items())


def _newest(state: CheckState, now: float) -> Content:
    newest = state.result.newest if state.result else {}
    told = [
        [tag("span", f"{window} ", class_="quiet"), time_text(newest[window].timestamp(), now)]
        for window in ("reference", "current")
        if window in newest
    ]
    return tag("span", [[item, " "] for item in told]) if told else None


def _failures(state: CheckState) -> Content:
    told = {reason: number for reason, number in state.failures.items() if number}
    return "; ".join(f"{_REASONS.get(reason, reason)}: {count(number)}" for reason, number in told.items())


def _history(view: CheckView) -> Content:
    if not view.past or view.lead is None:
        return None
    check, lead = view.check, view.lead
    seconds = check.check_type.seconds
    of = f" of {lead.feature}" if view.features[0] > 1 else ""
    segment = "" if lead.segment == ALL else f", {lead.segment}"
    rows = [
        tag(
            "tr",
            tag("td", moment(point.at)),
            tag("td", amount(point.effect_size, seconds=seconds)),
            tag("td", figure(point.p_value)),
            tag("td", "drift" if point.detected else ""),
        )
        for point in reversed(view.past[-_MOST_RUNS:])
    ]
    headings = tag("tr", [tag("th", name, scope="col") for name in ("Run", "Effect size", "p-value", "")])
    table = tag("table", tag("thead", headings), tag("tbody", rows), class_="small")
    return tag(
        "div",
        past(check, view.past, f"Effect size{of}{segment}", height=_TREND_HEIGHT),
        tag(
            "details",
            tag("summary", f"{len(view.past)} {'run' if len(view.past) == 1 else 'runs'} as a table"),
            table,
        ),
    )


def _reading(check: Check) -> Markup:
    kind = check.check_type
    words = (
        ("Statistic", kind.statistic),
        ("Effect size", kind.effect_size),
        ("Drift is", f"{kind.bad.value}: {limit_text(check)}"),
        ("No drift means", kind.null),
        ("p-value", kind.p_value),
        ("Formula", kind.source),
    )
    facts = tag("dl", [[tag("dt", name), tag("dd", text)] for name, text in words], class_="facts")
    return tag("details", tag("summary", f"How to read {check.type}"), facts)
