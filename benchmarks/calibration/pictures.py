"""The pictures of docs/calibration.md: rates of false alarms, and power by the size of the shift."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.rates import ALPHA, HIGHEST, LOWEST
from benchmarks.calibration.results import FalseAlarms, Results

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
RATES, POWER = "calibration-rates.png", "calibration-power.png"
_OURS, _BAND = "#0b6bcb", "#d6e8d4"
_LEAST = 0.004
"""What a rate of 0 is drawn at: the axis is logarithmic."""
_PEERS = {"scipy": "#d1495b", "alibi-detect": "#edae49", "evidently": "#6a4c93"}
_STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "recwatch",
}


def draw(results: Results, folder: Path = FOLDER) -> None:
    """Write every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        for name, figure in ((RATES, rates(results)), (POWER, power(results))):
            figure.savefig(folder / name, dpi=110, metadata={"Software": ""})


def rates(results: Results) -> Figure:
    """Our rates of false alarms with their intervals, and the plain tests', for each kind of data."""
    kinds = [name for name in NULLS if any(item.null == name for item in results.false_alarms)]
    types = list(dict.fromkeys(item.type for item in results.false_alarms))
    figure = Figure(figsize=(3.4 * max(1, len(kinds)), 1.4 + 0.28 * len(types)), layout="constrained")
    panels = figure.subplots(1, max(1, len(kinds)), sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=False):
        _rates_of(axes, [item for item in results.false_alarms if item.null == kind], types)
        axes.set_title(kind, loc="left", fontweight="bold")
    figure.supxlabel(f"share of windows without drift with p <= {ALPHA} (logarithmic)", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    return figure


def _rates_of(axes: "Axes", items: list[FalseAlarms], types: list[str]) -> None:
    axes.axvspan(LOWEST, HIGHEST, color=_BAND, lw=0, label="asked for")
    for item in items:
        y = types.index(item.type)
        low, high = (max(end, _LEAST) for end in item.rate.interval)
        axes.plot([low, high], [y, y], color=_OURS, lw=1.5)
    at = [types.index(item.type) for item in items]
    axes.plot([max(item.rate.value, _LEAST) for item in items], at, "o", color=_OURS, ms=5, label="the check")
    plain = [max(item.plain_rate.value, _LEAST) for item in items]
    axes.plot(plain, at, "x", color=_PEERS["scipy"], ms=6, mew=1.5, label="plain test")
    axes.set_xscale("log")
    axes.set_xlim(_LEAST * 0.8, 1.2)
    axes.set_xticks([0.01, 0.05, 0.2, 1], ["0.01", "0.05", "0.2", "1"])
    axes.minorticks_off()
    axes.set_yticks(range(len(types)), types)
    axes.set_ylim(len(types) - 0.5, -0.5)


def power(results: Results) -> Figure:
    """One panel a contest."""
    contests = list(dict.fromkeys(item.contest for item in results.power))
    columns = min(3, max(1, len(contests)))
    rows = -(-max(1, len(contests)) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.5 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes in panels[len(contests) :]:
        axes.set_axis_off()
    handles: dict[str, Artist] = {}
    for axes, name in zip(panels, contests, strict=False):
        _contest(axes, results, name)
        axes.set_title(name, loc="left", fontweight="bold")
        handles |= {str(line.get_label()): line for line in axes.get_lines() if line.get_label()[:1] != "_"}
    figure.supxlabel("size of the shift", fontsize=9)
    figure.supylabel(f"share found at {ALPHA}", fontsize=9)
    figure.legend(list(handles.values()), list(handles), loc="outside upper right", ncols=4, frameon=False)
    return figure


def _contest(axes: "Axes", results: Results, name: str) -> None:
    found = [item for item in results.power if item.contest == name]
    sizes = [item.shift for item in found]
    for who, colour in _PEERS.items():
        if who in found[0].detected:
            axes.plot(
                sizes, [item.rate(who).value for item in found], "o--", color=colour, ms=3, lw=1, label=who
            )
    ours = [item.rate("recwatch") for item in found]
    error = [2 * rate.standard_error for rate in ours]
    axes.errorbar(sizes, [rate.value for rate in ours], error, color=_OURS, lw=1.2, fmt="none", capsize=2)
    axes.plot(sizes, [rate.value for rate in ours], "o-", color=_OURS, ms=4, lw=2, label="recwatch")
    axes.axhline(ALPHA, color="grey", lw=0.7, ls=":", label="_alpha")
    axes.set_ylim(-0.02, 1.04)
    axes.set_xticks(sizes)
