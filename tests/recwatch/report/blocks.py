"""Series that are made up, and given to Prometheus as blocks.

`f` is where a moment lies: -1 at the beginning of the period before, 0 at the start of the
period, 1 at its end.
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

END = 1_794_812_400.0
"""Monday, 2026-11-16 07:00 UTC."""
EVERY = 240.0
"""Seconds between two samples: less than the five minutes that Prometheus looks back."""

# From `f` and the seconds since the first sample to a value, or None for no sample.
Value = Callable[[float, float], float | None]


@dataclass
class Scene:
    """Series that are written down, and given to Prometheus as blocks.

    Attributes:
        seconds: of the period; there are two.
        lively: traffic that rises and falls, for pictures; without it every number can be worked out.
    """

    seconds: float
    lively: bool = False
    series: dict[str, list[tuple[str, Value]]] = field(default_factory=dict)

    def add(self, name: str, value: Value, **labels: str) -> None:
        """Add a series."""
        told = ",".join(f'{label}="{text}"' for label, text in labels.items())
        self.series.setdefault(name, []).append((f"{name}{{{told}}}", value))

    def write(self, folder: Path, promtool: Path) -> None:
        """Put blocks where `run_prometheus` keeps its data."""
        file = folder / "scene.om"
        file.write_text("".join(self._lines()), encoding="utf-8")
        argv = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=48h"]
        subprocess.run([*argv, str(file), str(folder / "data")], check=True, capture_output=True, timeout=120)
        file.unlink()

    def _lines(self) -> Iterator[str]:
        first = END - 2 * self.seconds
        times = [first + EVERY * number for number in range(int(2 * self.seconds / EVERY) + 1)]
        for found in self.series.values():
            for series, value in found:
                for at in times:
                    number = value((at - END) / self.seconds + 1, at - first)
                    if number is not None:
                        yield f"{series} {number:.10g} {at:.0f}\n"
        yield "# EOF\n"


def steady(number: float) -> Value:
    return lambda _f, _seconds: number


def switch(at: float, before: float | None, after: float | None) -> Value:
    return lambda f, _seconds: before if f < at else after


def between(start: float, end: float) -> Value:
    """1 from one moment to another, absent otherwise."""
    return lambda f, _seconds: 1.0 if start <= f < end else None
