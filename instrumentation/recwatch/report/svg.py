"""Pictures as SVG, written by hand.

Not matplotlib: its SVG of such a chart is 20 to 40 KiB, holds its text as outlines, has colours that know
no dark mode, and ids that collide when many pictures stand in one page. These are 2 to 8 KiB, their text
can be selected, lines take the page's colours, and nothing has to be installed. A line is told apart by its
dashes as well as by its colour, and an attribute says the colour where a program reads no style sheet.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from recwatch.report.document import Chart, Line, Picture, Stretch, Timeline
from recwatch.report.scale import time_ticks, value_ticks
from recwatch.report.units import Unit, moment, value

__all__ = ["draw"]

WIDTH = 360
_HEIGHT = 168
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 22
_LANE, _LANE_NAME = 30, 12
# Okabe and Ito's colours, told apart with every kind of colour vision (https://jfly.uni-koeln.de/color/).
_COLOURS = ("#0072B2", "#D55E00", "#009E73")
_DASHES = ("", "5 2", "1.5 2")
_LIMIT = "#b3202c"
_STRETCHES = {"critical": "#b3202c", "warning": "#E69F00", "plain": "#56B4E9"}
_GAP = 1.5
_LETTER = 5.6
"""Width of a letter, about."""
_LONGEST = 56

Place = Callable[[float], float]
"""From a moment or a value to pixels."""


def draw(picture: Picture) -> str:
    """Draw a picture; all texts in it are escaped."""
    return _timeline(picture) if isinstance(picture, Timeline) else _chart(picture)


def _chart(chart: Chart) -> str:
    low, high, ticks = value_ticks(_values(chart))
    bottom, right = _HEIGHT - _BOTTOM, WIDTH - _RIGHT
    labels = [value(tick, chart.unit) for tick in ticks]
    left = max(_LEFT, _LETTER * max(map(len, labels)) + 8)
    seconds = max(chart.end - chart.start, 1.0)

    def x(at: float) -> float:
        return left + (at - chart.start) / seconds * (right - left)

    def y(number: float) -> float:
        return bottom - (min(max(number, low), high) - low) / (high - low) * (bottom - _TOP)

    grid = "".join(f"M{left:.4g} {y(tick):.1f}H{right}" for tick in ticks)
    parts = [
        f'<path class="grid" stroke="#d9dee4" d="{grid}"/>',
        *(_text(left - 5, y(tick) + 3.5, label, "end") for tick, label in zip(ticks, labels, strict=True)),
        *_time_axis(chart.start, chart.end, bottom, x),
    ]
    for limit in chart.limits:
        if low <= limit.value <= high:
            at = y(limit.value)
            dashed = f'class="limit" stroke="{_LIMIT}" stroke-dasharray="6 3"'
            parts.append(f'<path {dashed} d="M{left:.4g} {at:.1f}H{right}"/>')
            # Above the line, unless that is out of the picture.
            parts.append(
                _text(left + 3, at - 3 if at > _TOP + 9 else at + 10, limit.name, "start", "limit-name")
            )
    for number, line in enumerate(chart.lines):
        path = _path(line, chart.step, x, y)
        dashes = f' stroke-dasharray="{_DASHES[number % 3]}"' if number % 3 else ""
        parts.append(
            f'<path class="l{number % 3}" fill="none" stroke="{_COLOURS[number % 3]}" stroke-width="1.6" '
            f'stroke-linejoin="round" stroke-linecap="round"{dashes} d="{path}"/>'
        )
    return _svg(_HEIGHT, chart.title, _told(chart), parts)


def _timeline(timeline: Timeline) -> str:
    height = len(timeline.lanes) * _LANE + _BOTTOM + 2
    bottom, right = height - _BOTTOM, WIDTH - _RIGHT
    seconds = max(timeline.end - timeline.start, 1.0)

    def x(at: float) -> float:
        return 2 + (min(max(at, timeline.start), timeline.end) - timeline.start) / seconds * (right - 2)

    parts = list(_time_axis(timeline.start, timeline.end, bottom, x))
    for number, lane in enumerate(timeline.lanes):
        top = number * _LANE
        parts.append(_text(2, top + 10, lane.name, "start"))
        parts.append(f'<path class="grid" stroke="#d9dee4" d="M2 {top + _LANE_NAME + 8}H{right}"/>')
        parts += [
            _stretch(stretch, top + _LANE_NAME + 2, x(stretch.start), x(stretch.end))
            for stretch in lane.stretches
        ]
    told = f"{len(timeline.lanes)} rows from {moment(timeline.start)} to {moment(timeline.end)} UTC."
    return _svg(height, timeline.title, told, parts)


def _stretch(stretch: Stretch, top: float, left: float, right: float) -> str:
    width = max(right - left, 2.0)
    said = f"{stretch.text} {moment(stretch.start)} to {moment(stretch.end)} UTC".strip()
    room = int((width - 4) / _LETTER)
    name = ""
    if stretch.text and room >= min(len(stretch.text), 6):
        # The end of a version's name tells it apart.
        shown = stretch.text if len(stretch.text) <= room else f"…{stretch.text[-(room - 1) :]}"
        place = f'x="{left + 3:.1f}" y="{top + 9.5:.1f}"'
        name = f'<text class="inside" fill="#000000" {place}>{escape(shown)}</text>'
    return (
        f'<g><title>{escape(said)}</title><rect class="{stretch.tone}" fill="{_STRETCHES[stretch.tone]}" '
        f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="12" rx="1.5"/>{name}</g>'
    )


def _time_axis(start: float, end: float, bottom: float, place: Place) -> Iterator[str]:
    for at, label in time_ticks(start, end):
        left = place(at)
        yield f'<path class="grid" stroke="#d9dee4" d="M{left:.1f} {bottom:.1f}v4"/>'
        yield _text(min(max(left, 16), WIDTH - 18), bottom + 15, label, "middle")


def _path(line: Line, step: float, x: Place, y: Place) -> str:
    """Write a line's path; where points are missing or not finite, it begins anew."""
    parts: list[str] = []
    last: float | None = None
    for at, number in zip(line.times, line.values, strict=True):
        if not math.isfinite(number):
            last = None
            continue
        begins = last is None or at - last > _GAP * step
        # A point alone is a dot: a line of no length with round ends.
        parts.append(f"{'M' if begins else 'L'}{x(at):.1f} {y(number):.1f}{'h0' if begins else ''}")
        last = at
    return "".join(parts)


def _values(chart: Chart) -> list[float]:
    values = [number for line in chart.lines for number in line.values if math.isfinite(number)]
    if chart.unit == "ratio":
        values.append(0.0)  # a share of what there is: a small change is to look small
    most = max(map(abs, values), default=0.0)
    # A limit far above all values would make a flat line of them; the table tells it.
    return values + [
        limit.value for limit in chart.limits if math.isfinite(limit.value) and limit.value <= 4 * most
    ]


def _told(chart: Chart) -> str:
    """Say in words what the chart shows, for those who do not see it."""
    told = [_range(line, chart.unit) for line in chart.lines]
    return " ".join([*told, *(f"{limit.name}: {value(limit.value, chart.unit)}." for limit in chart.limits)])


def _range(line: Line, unit: Unit) -> str:
    values = [number for number in line.values if math.isfinite(number)]
    if not values:
        return f"{line.name}: no values."
    least, most, last = (value(number, unit) for number in (min(values), max(values), values[-1]))
    return f"{line.name}: from {least} to {most}, last {last}."


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: int, title: str, told: str, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return (
        f'<svg {size} role="img" aria-label={quoteattr(f"{title}. {told}")} '
        f'font-family="sans-serif" font-size="10" fill="currentColor">'
        f"{''.join(parts)}</svg>"
    )
