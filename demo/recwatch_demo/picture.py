"""One picture of the loop over the demo's time, from Prometheus's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recwatch_demo.apis import Apis
from recwatch_demo.steps import ALERT, ALPHA, CHECK, MODEL
from recwatch_demo.timeline import Timeline

# Okabe and Ito's palette: told apart by people who see colours differently.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"
STEP_SECONDS = 1.0


@dataclass(frozen=True)
class Series:
    """One series: its labels, seconds since the start, and values."""

    labels: dict[str, str]
    seconds: list[float]
    values: list[float]


def to_series(rows: Sequence[Any], origin: float) -> list[Series]:
    """Turn a range query's answer into series over the seconds since `origin`, a Unix time."""
    return [
        Series(
            row["metric"],
            [float(at) - origin for at, _ in row["values"]],
            [float(value) for _, value in row["values"]],
        )
        for row in rows
    ]


def spans(series: Series, gap: float) -> list[tuple[float, float]]:
    """The stretches of time in which a series exists: (from, to) in seconds, split at gaps of over `gap`."""
    stretches: list[tuple[float, float]] = []
    for second in series.seconds:
        if stretches and second - stretches[-1][1] <= gap:
            stretches[-1] = (stretches[-1][0], second)
        else:
            stretches.append((second, second))
    return stretches


def draw(apis: Apis, timeline: Timeline, started: datetime, target: Path) -> None:
    """Ask Prometheus for the demo's time and write the picture as a PNG or SVG, by the name's ending."""
    origin, now = started.timestamp(), datetime.now(UTC).timestamp()

    def ask(expression: str) -> list[Series]:
        return to_series(apis.query_range(expression, origin, now, STEP_SECONDS), origin)

    figure = Figure(figsize=(10, 7), layout="constrained")
    drift, chance, alert, versions = figure.subplots(4, 1, sharex=True, height_ratios=[4, 2, 2, 2])
    _line(
        drift,
        "PSI of the\nrating scale",
        ask(f'drift_statistic{{check="{CHECK}"}}'),
        label="as it is",
        style="--",
    )
    _line(
        drift, "PSI of the\nrating scale", ask(f'drift_effect_size{{check="{CHECK}"}}'), label="beyond chance"
    )
    _limit(drift, "threshold", ask(f'drift_threshold{{check="{CHECK}"}}'))
    _line(chance, "p-value\n(users permuted)", ask(f'drift_p_value{{check="{CHECK}"}}'), label="p-value")
    chance.axhline(ALPHA, color=GREY, linestyle=":", label=f"alpha {ALPHA:g}")
    chance.legend(loc="upper left", frameon=False)
    chance.set_ylim(0, 1)
    alerts = ask(f'ALERTS{{alertname="{ALERT}",check="{CHECK}",model="{MODEL}"}}')
    _bars(
        alert,
        [
            ("alert pending", ORANGE, [row for row in alerts if row.labels["alertstate"] == "pending"]),
            ("alert firing", RED, [row for row in alerts if row.labels["alertstate"] == "firing"]),
            ("retraining", BLUE, ask(f'bridge_retrain_in_progress{{model="{MODEL}"}} == 1')),
        ],
    )
    _versions(versions, ask(f'recommender_model_info{{model="{MODEL}"}}'))
    for entry in timeline.entries:
        if entry.step == "promoted" or entry.step.startswith("round_"):
            for axes in (drift, chance, alert, versions):
                axes.axvline((entry.at - started).total_seconds(), color=GREEN, linestyle="--", linewidth=1)
    versions.set_xlabel("seconds since the demo began (dashed: a retraining ended)")
    figure.suptitle("The loop on real data: drift, alert, retraining, promotion, all clear", fontsize=13)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130)


def _line(axes: Axes, name: str, found: Sequence[Series], *, label: str = "", style: str = "-") -> None:
    colour = GREY if style == "--" else BLUE
    for series in found:
        axes.plot(
            series.seconds, series.values, color=colour, linestyle=style, drawstyle="steps-post", label=label
        )
    axes.set_ylabel(name)
    axes.spines[["top", "right"]].set_visible(False)


def _limit(axes: Axes, name: str, found: Sequence[Series]) -> None:
    for series in found:
        axes.plot(
            series.seconds, series.values, color=GREY, linestyle=":", label=f"{name} {series.values[-1]:g}"
        )
    axes.legend(loc="upper left", frameon=False)


def _bars(axes: Axes, rows: Sequence[tuple[str, str, Sequence[Series]]]) -> None:
    for place, (_, colour, found) in enumerate(rows):
        for series in found:
            bars = [(start, end - start + STEP_SECONDS) for start, end in spans(series, 2 * STEP_SECONDS)]
            axes.broken_barh(bars, (place - 0.35, 0.7), color=colour)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.spines[["top", "right"]].set_visible(False)


def _versions(axes: Axes, served: Sequence[Series]) -> None:
    ordered = sorted(served, key=lambda series: series.seconds[0])
    for place, series in enumerate(ordered):
        for start, end in spans(series, 2 * STEP_SECONDS):
            axes.broken_barh([(start, end - start + STEP_SECONDS)], (place - 0.35, 0.7), color=GREEN)
    axes.set_yticks(range(len(ordered)), [f"{MODEL} {series.labels['version']}" for series in ordered])
    axes.spines[["top", "right"]].set_visible(False)
