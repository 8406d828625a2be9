"""The list of all checks, grouped by state, one row a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from recwatch_exporter.results import ALL
from recwatch_exporter.web.findings import FindingView
from recwatch_exporter.web.layout import document, state_sign, time_text
from recwatch_exporter.web.markup import Content, Markup, clean, tag
from recwatch_exporter.web.parts import effect, p_value, pages, signs
from recwatch_exporter.web.query import Query
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.trend import trend
from recwatch_exporter.web.view import CheckView, ListView
from recwatch_exporter.web.why import scale_of
from recwatch_exporter.web.words import NOTHING, count, moment

_MOST_MESSAGE = 600
_TREND_HEIGHT = 34
_COLUMNS = (
    ("state", "State"),
    ("name", "Check"),
    ("effect", "Effect size and threshold"),
    ("p", "p-value"),
    ("rows", "Rows"),
    ("run", "Last success"),
    ("past", "History"),
)


@dataclass(frozen=True, kw_only=True)
class Reloading:
    """How the last load of the configuration went.

    Attributes:
        succeeded_at: Unix time of the last that did; 0 before that.
    """

    successful: bool
    succeeded_at: float


def overview_page(view: ListView, query: Query, *, now: float, config: Reloading) -> str:
    """The whole page."""
    drifted = view.counts[Status.DRIFT]
    title = f"{drifted} with drift · recwatch" if drifted else "recwatch drift checks"
    content = [
        tag("div", tag("h1", "Drift checks"), _as_of(query, now), class_="head"),
        _config_message(config, now),
        tag("div", _states(view, query), _search(query), class_="tools"),
        _groups(view, now) if view.found else _nothing(query),
        pages(view.page, view.pages, lambda page: query.link(page=page), "Pages of checks"),
    ]
    return document(title, *content, root="./", refresh=query.refresh)


def _as_of(query: Query, now: float) -> Markup:
    switch = tag(
        "a",
        "stop refreshing" if query.refresh else "refresh every 30 s",
        href=query.link(page=query.page, refresh=not query.refresh),
    )
    return tag("small", f"as of {moment(now)} · ", switch)


def _config_message(config: Reloading, now: float) -> Content:
    if config.successful or not config.succeeded_at:
        return None
    text = (
        "The configuration file could not be loaded; what was loaded ",
        time_text(config.succeeded_at, now),
        " stays in force. recwatch-exporter --check-config names the mistake.",
    )
    return tag("p", tag("span", text), class_="message failed", role="status")


def _states(view: ListView, query: Query) -> Markup:
    def entry(status: Status | None, sign: Content, number: int) -> Markup:
        here = query.state is status
        shown = (sign, " ", str(number))
        if not number and not here:
            return tag("li", tag("span", shown, class_="none"))
        return tag("li", tag("a", shown, href=query.link(state=status), aria_current=here and "true"))

    entries = [
        entry(status, state_sign(status.value, status.words.name), view.counts[status]) for status in Status
    ]
    return tag(
        "nav", tag("ul", entry(None, "all", view.total), entries, class_="states"), aria_label="States"
    )


def _search(query: Query) -> Markup:
    kept = {"state": query.state and query.state.value, "refresh": None if query.refresh else "off"}
    hidden = [tag("input", type="hidden", name=name, value=value) for name, value in kept.items() if value]
    field = tag(
        "input",
        type="search",
        name="q",
        value=query.search,
        placeholder="name, type, model or feature",
        aria_label="Search checks by name, type, model or feature",
    )
    clear = tag("a", "clear", href=query.link(search="")) if query.search else None
    return tag("form", hidden, field, tag("button", "Search"), clear, class_="search", role="search")


def _nothing(query: Query) -> Markup:
    every = tag("a", "Show all checks", href=query.link(state=None, search=""))
    return tag("p", "No check fits. ", every, ".")


def _groups(view: ListView, now: float) -> list[Markup]:
    grouped = [
        (status, list(checks)) for status, checks in groupby(view.checks, key=lambda check: check.status)
    ]
    return [_group(status, checks, now, first=place == 0) for place, (status, checks) in enumerate(grouped)]


def _group(status: Status, checks: Sequence[CheckView], now: float, *, first: bool) -> Markup:
    name = status.words.name
    heading = tag("h2", name[0].upper() + name[1:], " ", tag("small", status.words.meaning), id=status.value)
    headings = [
        tag("th", label, scope="col", role="columnheader", class_=f"c-{key}") for key, label in _COLUMNS
    ]
    table = tag(
        "table",
        tag("colgroup", [tag("col", class_=f"c-{key}") for key, _ in _COLUMNS]),
        tag("thead", tag("tr", headings, role="row"), role="rowgroup", class_=None if first else "hidden"),
        tag("tbody", [_row(check, now) for check in checks], role="rowgroup"),
        class_="checks",
        role="table",
        aria_labelledby=status.value,
    )
    return tag("section", heading, table)


def _row(view: CheckView, now: float) -> list[Markup]:
    lead = view.lead
    row = tag(
        "tr",
        tag("td", signs(view.statuses), class_="in-state", role="cell"),
        tag("th", _name(view), scope="row", role="rowheader"),
        tag(
            "td", effect(view.check, lead), _which(view), role="cell", data_label="Effect size and threshold"
        ),
        tag("td", _p_value(view, lead), role="cell", data_label="p-value"),
        tag("td", _rows(view, lead), role="cell", data_label="Rows"),
        tag("td", _runs(view, now), role="cell", data_label="Last success"),
        tag("td", _past(view), role="cell", data_label="History"),
        role="row",
    )
    error = view.state.error
    if error is None:
        return [row]
    message = tag("p", tag("span", clean(error, _MOST_MESSAGE)), class_="message failed")
    return [row, tag("tr", tag("td", message, colspan=len(_COLUMNS), role="cell"), class_="note", role="row")]


def _name(view: CheckView) -> Content:
    check = view.check
    models = f" · {', '.join(check.models)}" if check.models else ""
    link = tag("a", tag("bdi", check.name), href=f"checks/{quote(check.name, safe='')}")
    return [link, tag("small", f"{check.type} · ", tag("bdi", _subject(view)), models)]


def _subject(view: CheckView) -> str:
    """What is compared, and how much of it has drifted."""
    total, drifted = view.features
    if total > 1:
        return f"{drifted} of {total} columns with drift" if drifted else f"{total} columns"
    parts, drifted_parts = view.segments
    if drifted_parts:
        return f"{view.check.label}, {drifted_parts} of {parts} segments with drift"
    return view.check.label


def _which(view: CheckView) -> Content:
    """Of which of several findings the row's figures are: the one that says most."""
    lead = view.lead
    if lead is None or view.features[0] + view.segments[0] < 2:  # noqa: PLR2004 - one needs no name
        return None
    segment = None if lead.segment == ALL else [", ", tag("bdi", lead.segment)]
    return tag("small", "of ", tag("bdi", lead.feature), segment)


def _p_value(view: CheckView, lead: FindingView | None) -> Content:
    if not view.check.has_p_value:
        return tag("span", "none", class_="quiet", title=view.check.check_type.p_value)
    return p_value(view.check, lead)


def _rows(view: CheckView, lead: FindingView | None) -> Content:
    if lead is None or lead.n_current is None:
        return NOTHING
    if view.check.reference is None:
        return count(lead.n_current)
    return [
        tag("span", count(lead.n_current), " ", tag("span", "current", class_="quiet")),
        tag("small", f"{count(lead.n_reference)} reference"),
    ]


def _runs(view: CheckView, now: float) -> Content:
    last = "never" if view.last_success is None else time_text(view.last_success, now)
    following = None if view.next_run is None else tag("small", "next ", time_text(view.next_run, now))
    return [last, following]


def _past(view: CheckView) -> Content:
    if not view.past:
        return tag("span", NOTHING, class_="quiet")
    drifted = sum(point.detected for point in view.past)
    label = f"effect size over the last {len(view.past)} runs, {drifted} with drift"
    return trend(view.past, scale_of(view.check), label, height=_TREND_HEIGHT)
