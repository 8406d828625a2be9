"""The picture of training runs: one panel for the loss, one for each validation metric, one line a run."""

import io
from collections.abc import Sequence
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from recwatch.cli.records import Run
from recwatch.cli.text import printable
from recwatch.training.lines import unit_of

__all__ = ["draw", "has_curves"]

# Okabe and Ito's colours, told apart with every kind of colour vision (https://jfly.uni-koeln.de/color/),
# without the yellow, which white paper swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_Dashes = Literal["-", "--", "-.", ":"]
_DASHES: tuple[_Dashes, ...] = ("-", "--", "-.", ":")
_PANELS = {
    "loss": "Training loss",
    "validation_recall": "Validation recall (0 to 1)",
    "validation_ndcg": "Validation NDCG (0 to 1)",
}
_FEW = 40  # points that each get a dot
_LOG_FROM = 100  # a loss that falls by this factor is drawn on a logarithmic scale
_LEGEND_ROW = 0.19  # inches
_TITLE_ROW = 0.35  # inches
_LONGEST_LABEL = 60
_INK, _MUTED = "#222222", "#666666"


def has_curves(run: Run) -> bool:
    """Whether there is anything to draw."""
    return any(_points(run, column)[0] for column in _PANELS)


def draw(runs: Sequence[Run]) -> bytes:
    """Draw the runs' curves with the mark of early stopping.

    Args:
        runs: with their iterations; each has curves.

    Returns:
        A PNG.
    """
    # A run id is a name, not a formula: matplotlib would read $...$ as one.
    with mpl.rc_context({"text.parse_math": False, "text.usetex": False, "font.size": 10}):
        figure = _layout(runs)
        target = io.BytesIO()
        figure.savefig(target, format="png")
    return target.getvalue()


def _layout(runs: Sequence[Run]) -> Figure:
    columns = [column for column in _PANELS if any(_points(run, column)[0] for run in runs)]
    legend_rows = len(runs) + any(run.row["best_iteration"] is not None for run in runs)
    below = _LEGEND_ROW * legend_rows + 0.15
    height = 3.2 + _TITLE_ROW + below
    figure = Figure(figsize=(4.6 * len(columns) + 0.4 if len(columns) > 1 else 6.4, height), dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(columns), sharex=True, squeeze=False)[0]
    for axis, column in zip(axes, columns, strict=True):
        _draw_panel(axis, column, runs)
    top = 1 - 0.1 / height
    figure.legend(
        handles=_legend(runs),
        loc="lower left",
        bbox_to_anchor=(0.004, 0.0),
        ncols=1,
        frameon=False,
        fontsize=9,
        handlelength=3.2,
    )
    figure.tight_layout(rect=(0, below / height, 1, 1 - _TITLE_ROW / height), w_pad=2.5)
    # Afterwards: a title that is there already would be given room a second time.
    figure.suptitle(_title(runs), x=0.012, y=top, ha="left", fontsize=12, fontweight="bold", color=_INK)
    return figure


def _draw_panel(axis: Axes, column: str, runs: Sequence[Run]) -> None:
    lowest, highest = float("inf"), float("-inf")
    for index, run in enumerate(runs):
        numbers, values = _points(run, column)
        if not values:
            continue
        lowest, highest = min(lowest, *values), max(highest, *values)
        colour, dashes = _look(index)
        axis.plot(
            numbers,
            values,
            color=colour,
            linestyle=dashes,
            linewidth=1.8,
            marker="o" if len(values) <= _FEW else None,
            markersize=3.2,
        )
        best = run.row["best_iteration"]
        if best is None:
            continue
        axis.axvline(best, color=colour, linewidth=1, linestyle=(0, (1, 3)), zorder=1)
        if best in numbers:
            axis.plot(
                [best],
                [values[numbers.index(best)]],
                marker="*",
                markersize=13,
                color=colour,
                markeredgecolor="white",
                markeredgewidth=0.8,
                zorder=5,
            )
    if column == "loss" and lowest > 0 and highest / lowest >= _LOG_FROM:
        _scale_by_powers(axis)
    axis.set_title(_PANELS[column].split(" (")[0], loc="left", fontsize=10.5, color=_INK)
    axis.set_ylabel(_PANELS[column] + (", logarithmic" if axis.get_yscale() == "log" else ""))
    axis.set_xlabel(_round_name(runs))
    rounds = {number for run in runs for number in _points(run, column)[0]}
    one = FixedLocator(sorted(rounds)) if len(rounds) == 1 else None
    axis.xaxis.set_major_locator(one or MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axis.grid(visible=True, axis="y", color="#DDDDDD", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=_MUTED, labelcolor=_INK)


def _scale_by_powers(axis: Axes) -> None:
    """Logarithmic, with plain numbers: matplotlib's own would be formulas, which are switched off here."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0,), numticks=8))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _points(run: Run, column: str) -> tuple[list[int], list[float]]:
    pairs = [
        (int(row["iteration"]), value)
        for row, value in zip(run.iterations, run.series(column), strict=True)
        if value is not None and row["iteration"] is not None
    ]
    return [number for number, _ in pairs], [value for _, value in pairs]


def _look(index: int) -> tuple[str, _Dashes]:
    """A colour and dashes: neither repeats together before every colour and every dash did."""
    return _COLOURS[index % len(_COLOURS)], _DASHES[index % len(_DASHES)]


def _legend(runs: Sequence[Run]) -> list[Line2D]:
    handles = []
    for index, run in enumerate(runs):
        colour, dashes = _look(index)
        label = printable(run.run_id)
        if len(label) > _LONGEST_LABEL:
            label = f"{label[: _LONGEST_LABEL - 1]}…"
        best = run.row["best_iteration"]
        if best is not None:
            label += f", best at {best}"
        # matplotlib leaves out of a legend what begins with an underscore.
        handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=1.8, label=f"\u200b{label}"))
    if any(run.row["best_iteration"] is not None for run in runs):
        star = Line2D([], [], color=_MUTED, marker="*", markersize=11, linestyle=(0, (1, 3)), linewidth=1)
        star.set_label("stopped early: the best iteration")
        handles.append(star)
    return handles


def _title(runs: Sequence[Run]) -> str:
    models = list(dict.fromkeys(printable(run.model) for run in runs))
    return f"Training of {', '.join(models[:3])}{' and others' if len(models) > 3 else ''}"[:_LONGEST_LABEL]  # noqa: PLR2004


def _round_name(runs: Sequence[Run]) -> str:
    units = {unit_of(run.parameters) for run in runs}
    return "Epoch" if units == {"epoch"} else "Iteration"
