"""One finding on a check's page."""

from collections.abc import Sequence

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import Point
from recwatch_exporter.results import ALL
from recwatch_exporter.web.bars import Bins, histogram, weights, without_other
from recwatch_exporter.web.findings import FindingView, Table, Verdict
from recwatch_exporter.web.layout import state_sign
from recwatch_exporter.web.markup import Content, Markup, clean, tag
from recwatch_exporter.web.parts import effect, past
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.words import amount, count, figure, percent

_TREND_HEIGHT = 40
_MOST_NAME, _MOST_SENTENCE, _MOST_CELL = 200, 2_000, 120


def finding_card(check: Check, finding: FindingView, points: Sequence[Point]) -> Markup:
    """A finding: verdict, figures, why, picture, the worst ids, the rest of its details."""
    name = [tag("bdi", clean(finding.feature, _MOST_NAME))]
    if finding.segment != ALL:
        name.append(
            tag("small", " where ", check.segment_by, " is ", tag("bdi", clean(finding.segment, _MOST_NAME)))
        )
    sign = state_sign(finding.verdict.value, Status(finding.verdict.value).words.name)
    failed = finding.verdict is Verdict.FAILED
    sentence = clean(finding.why, _MOST_SENTENCE)
    told = [
        tag("div", tag("h3", name), sign, class_="head"),
        tag("p", tag("span", sentence), class_="message failed") if failed else tag("p", sentence),
        None if failed else [tag("div", effect(check, finding)), _figures(check, finding)],
    ]
    drawn = [
        _picture(finding.bins),
        _importances(finding.importances),
        past(check, points, "Effect size", height=_TREND_HEIGHT) if len(points) > 1 else None,
        [_detail(table) for table in finding.tables],
        _details(finding),
    ]
    return tag("article", tag("section", told), tag("section", drawn) if any(drawn) else None)


def _figures(check: Check, finding: FindingView) -> Markup:
    kind = check.check_type
    figures: list[tuple[str, str]] = [("Statistic", amount(finding.statistic, seconds=kind.seconds))]
    if check.has_p_value:
        figures += [("p-value", figure(finding.p_value)), ("alpha", figure(check.alpha))]
    if finding.n_reference is not None:
        figures.append(("Rows, reference", count(finding.n_reference)))
    figures.append(("Rows, current", count(finding.n_current)))
    figures += [(clean(name, _MOST_CELL), figure(value)) for name, value in finding.figures]
    return tag(
        "dl", [tag("div", tag("dt", name), tag("dd", text)) for name, text in figures], class_="figures"
    )


def _picture(bins: Bins | None) -> Content:
    if bins is None:
        return None
    both = bins.reference is not None
    drawn, left_out = without_other(bins)
    told = "shares of the reference and the current window" if both else "shares of the current window"
    legend = [
        tag("span", tag("span", class_="swatch"), "reference") if both else None,
        tag("span", tag("span", class_="swatch of-current"), "current"),
    ]
    caption = tag("figcaption", tag("span", "Share of rows" if both else "Share"), tag("span", legend))
    note = tag("small", left_out) if left_out else None
    return [tag("figure", caption, histogram(drawn, told), note), _shares(bins)]


def _shares(bins: Bins) -> Markup:
    """The picture's figures for those who read rather than look."""
    names = ("Value", "Reference", "Current") if bins.reference is not None else ("Value", "Current")
    columns = [
        bins.labels,
        *(map(percent, side) for side in (bins.reference, bins.current) if side is not None),
    ]
    rows = [
        tag("tr", [tag("td", clean(cell, _MOST_CELL)) for cell in row]) for row in zip(*columns, strict=True)
    ]
    return tag("details", tag("summary", "Shares as a table"), _table(names, rows))


def _importances(importances: Sequence[tuple[str, float]]) -> Content:
    if not importances:
        return None
    names, values = zip(*importances, strict=True)
    caption = tag("figcaption", tag("span", "What tells the windows apart"))
    return tag("figure", caption, weights(names, values, "importance of the features"))


def _detail(table: Table) -> Markup:
    rows = [tag("tr", [tag("td", tag("bdi", clean(cell, _MOST_CELL))) for cell in row]) for row in table.rows]
    headings = [clean(name, _MOST_CELL) for name in table.headings]
    return tag("div", tag("small", table.title), _table(headings, rows))


def _details(finding: FindingView) -> Content:
    if not finding.details:
        return None
    return tag("details", tag("summary", "Details"), tag("pre", finding.details))


def _table(headings: Sequence[str], rows: Sequence[Markup]) -> Markup:
    head = tag("thead", tag("tr", [tag("th", name, scope="col") for name in headings]))
    return tag("table", head, tag("tbody", rows), class_="small")
