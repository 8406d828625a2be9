"""The picture of an alert's metric: its series, the threshold, and when the alert began."""

import io
import math
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC

import matplotlib as mpl
import numpy as np
from matplotlib import dates, font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recwatch_bridge.prometheus import Series
from recwatch_bridge.text import one_line

MAX_SERIES = 6
"""More lines could not be told apart."""
# Okabe and Ito's colours, told apart with every kind of colour vision (https://jfly.uni-koeln.de/color/).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_FIRING, _INK, _MUTED, _LINE = "#b3202c", "#1b2026", "#59636e", "#d9dee4"
_SIZE = (5.2, 2.1)
"""Inches; a legend makes it higher."""
_LEGEND_ROW = 0.17
_DPI = 200
_FEW = 40
"""Points that each get a dot."""
_LABEL_LENGTH = 64
_SHORT = 34
"""Characters of a label that leave room for another beside it."""
_TITLE_LENGTH = 44
_DAY = 86_400.0
"""Seconds; matplotlib counts days since the epoch."""
_ALONE = threading.Lock()
"""matplotlib's caches of fonts and text are not made for several threads."""


def draw(
    series: Sequence[Series], *, title: str, since: float, end: float, threshold: float | None = None
) -> bytes:
    """Draw series over time.

    Args:
        series: one at least, each with a point at least.
        title: a line.
        since: when the alert began, in seconds since the epoch.
        end: the last moment of the picture.
        threshold: what the alert's rule compares with.

    Returns:
        A PNG of 1040 by 420 pixels, higher with a legend.
    """
    # A label is a name, not a formula: matplotlib would read $...$ as one.
    with _ALONE, mpl.rc_context({"text.parse_math": False, "text.usetex": False, "font.size": 8}):
        figure = _figure(series, title, since, end, threshold)
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=_DPI)
    return target.getvalue()


def _figure(
    series: Sequence[Series], title: str, since: float, end: float, threshold: float | None
) -> Figure:
    shown = _most_telling(series)
    names = _names(shown) if len(shown) > 1 else []
    columns = 2 if max(map(len, names), default=0) <= _SHORT else 1
    rows = math.ceil(len(names) / columns)
    height = _SIZE[1] + rows * _LEGEND_ROW
    figure = Figure(figsize=(_SIZE[0], height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    lines = [_curve(axes, one, colour) for one, colour in zip(shown, _COLOURS, strict=False)]
    if threshold is not None and math.isfinite(threshold):
        _threshold(axes, threshold)
    _axes(axes, series, since, end)
    left_out = len(series) - len(shown)
    figure.text(
        0.012,
        1 - 0.09 / height,
        _drawable(title, _TITLE_LENGTH),
        va="top",
        color=_INK,
        fontsize=9,
        weight="bold",
    )
    more = f", {left_out} more series not shown" if left_out else ""
    figure.text(0.988, 1 - 0.09 / height, f"times in UTC{more}", va="top", ha="right", color=_MUTED)
    if names:
        figure.legend(
            lines,
            names,
            loc="lower left",
            bbox_to_anchor=(0.004, 0.0),
            ncols=columns,
            frameon=False,
            labelspacing=0.35,
        )
    figure.tight_layout(rect=(0, (rows * _LEGEND_ROW) / height, 1, 1 - 0.2 / height), pad=0.6)
    return figure


def _curve(axes: Axes, series: Series, colour: str) -> Line2D:
    times, values = np.array(series.times, dtype=float), np.array(series.values, dtype=float)
    values[~np.isfinite(values)] = np.nan
    if len(times) > 1:
        # A gap is no line: where points are missing, one without a value is put in.
        steps = np.diff(times)
        gaps = np.flatnonzero(steps > 1.5 * steps.min())
        times = np.insert(times, gaps + 1, times[gaps] + steps.min())
        values = np.insert(values, gaps + 1, np.nan)
    marker = "o" if len(times) <= _FEW else ""
    [line] = axes.plot(times / _DAY, values, color=colour, linewidth=1.4, marker=marker, markersize=2.5)
    return line


def _threshold(axes: Axes, threshold: float) -> None:
    axes.axhline(threshold, color=_FIRING, linewidth=1, linestyle=(0, (5, 3)))
    axes.annotate(
        f"threshold {_figure_of(threshold, None)}",
        (0.005, threshold),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        color=_FIRING,
        fontsize=7,
    )


def _axes(axes: Axes, series: Sequence[Series], since: float, end: float) -> None:
    start = min([since, *(one.times[0] for one in series)])
    axes.set_xlim(start / _DAY, max(end, start + 1) / _DAY)
    axes.axvspan(since / _DAY, max(end, since) / _DAY, color=_FIRING, alpha=0.07, linewidth=0)
    axes.margins(y=0.12)
    locator = dates.AutoDateLocator(tz=UTC, minticks=4, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
    )
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(_figure_of))
    axes.grid(visible=True, color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_MUTED, length=0, labelsize=7.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)


def _figure_of(value: float, _position: object) -> str:
    """Write a number of the axis: `0.05`, `250`, `12k`, `3.5M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):g}{unit}"
    return f"{value:.6g}"


def _most_telling(series: Sequence[Series]) -> Sequence[Series]:
    """Return the series whose last values are the largest, in the order in which they came."""
    last = [one.values[-1] if math.isfinite(one.values[-1]) else -math.inf for one in series]
    kept = sorted(sorted(range(len(series)), key=lambda number: -last[number])[:MAX_SERIES])
    return [series[number] for number in kept]


def _names(series: Sequence[Series]) -> list[str]:
    """Name each series by the labels in which they differ."""
    first = series[0].labels
    names = {name for one in series for name in one.labels}
    differing = sorted(
        name for name in names if any(one.labels.get(name) != first.get(name) for one in series)
    )
    return [_drawable(_name(one.labels, differing)) for one in series]


def _name(labels: Mapping[str, str], differing: Sequence[str]) -> str:
    return ", ".join(f"{name}={labels[name]}" for name in differing if name in labels) or "no labels"


def _drawable(text: str, limit: int = _LABEL_LENGTH) -> str:
    """Put a question mark in place of what the font cannot draw."""
    text = one_line(text, limit)
    if text.isascii():
        return text
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return "".join(char if font.get_char_index(ord(char)) else "?" for char in text)
