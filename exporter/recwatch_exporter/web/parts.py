"""Pieces that the list and a check's own page share."""

from collections.abc import Callable, Sequence

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import Point
from recwatch_exporter.web.dial import dial
from recwatch_exporter.web.findings import FindingView, Verdict, limit_text
from recwatch_exporter.web.layout import state_sign
from recwatch_exporter.web.markup import Content, Markup, tag
from recwatch_exporter.web.status import Status
from recwatch_exporter.web.trend import trend
from recwatch_exporter.web.why import scale_of
from recwatch_exporter.web.words import NOTHING, amount, figure, moment


def signs(statuses: tuple[Status, ...]) -> list[Markup]:
    """The states of a check."""
    return [state_sign(status.value, status.words.name) for status in statuses]


def effect(check: Check, finding: FindingView | None) -> Content:
    """The dial with its figures below."""
    value = None if finding is None else finding.effect_size
    detected = finding is not None and finding.verdict is Verdict.DRIFT
    shown = amount(value, seconds=check.check_type.seconds)
    label = f"effect size {shown}, drift if {limit_text(check)}"
    return [
        dial(scale_of(check), value, label, detected=detected),
        tag(
            "div",
            tag("b", shown),
            tag("small", "drift if ", limit_text(check)),
            class_="ends",
            aria_hidden="true",
        ),
    ]


def p_value(check: Check, finding: FindingView | None) -> Content:
    """The p-value beside alpha, bold where it is significant."""
    value = None if finding is None else finding.p_value
    if value is None:
        return [NOTHING, tag("small", f"alpha {figure(check.alpha)}")]
    significant = value <= check.alpha
    return [
        tag("span", figure(value), class_="sure" if significant else None),
        tag("small", f"{'≤' if significant else '>'} alpha {figure(check.alpha)}"),
    ]


def past(check: Check, points: Sequence[Point], name: str, *, height: float) -> Markup:
    """The history of a finding, with the times at which it begins and ends."""
    drifted = sum(point.detected for point in points)
    runs = f"{len(points)} runs, {drifted} with drift" if len(points) > 1 else "one run"
    return tag(
        "figure",
        tag("figcaption", tag("span", name), tag("span", runs, ", threshold dashed")),
        trend(points, scale_of(check), f"{name} over {runs}", height=height),
        tag("figcaption", tag("span", moment(points[0].at)), tag("span", moment(points[-1].at))),
    )


def pages(page: int, last: int, link: Callable[[int], str], label: str) -> Content:
    """Links to the pages before and after; nothing where there is one page.

    Args:
        page: this one, from 1.
        last: the last one.
        link: gives the address of a page.
        label: of what there are pages.
    """
    if last == 1:
        return None
    before = tag("a", "← previous", href=link(page - 1), rel="prev") if page > 1 else None
    after = tag("a", "next →", href=link(page + 1), rel="next") if page < last else None
    here = tag("span", f"page {page} of {last}", class_="quiet")
    return tag("nav", before, here, after, class_="pages", aria_label=label)
