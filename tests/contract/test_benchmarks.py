"""The benchmarks' table is written whatever was measured."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(ROOT)
    names = ("table", "timing")
    return SimpleNamespace(**{name: importlib.import_module(f"benchmarks.{name}") for name in names})


def test_a_row_that_takes_nothing_costs_no_table(benchmarks: SimpleNamespace) -> None:
    row, figure = benchmarks.timing.Row, benchmarks.timing.Figure
    rows = [
        row("free", 0.0, 2.0, "other", target=0.01),
        row("noise", -0.5, 2.0, "other", target=0.01),
        row("against nothing", 1.0, 0.0, "other", target=0.01),
        row("as promised", 1.0, 6.0, "other", target=1 / 6),
        figure("rate", 5.0, "rows/s", 4.0),
    ]
    lines = [line.split() for line in benchmarks.table.render(rows).splitlines()[1:]]
    assert [line[-1] for line in lines] == ["yes", "yes", "NO", "yes", "yes"]
    ratios = [line[line.index("<=") - 1] for line in lines[:4]]
    assert ratios == ["0", "-0.25", "inf", "1/6"]
