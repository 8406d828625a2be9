import math
import struct
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from recwatch.cli import curves
from recwatch.cli.curves import draw, has_curves
from recwatch.cli.records import Run

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NOTHING = {"loss": None, "validation_recall": None, "validation_ndcg": None}


def run(
    *iterations: dict[str, Any], run_id: str = "als_1", best: int | None = None, parameters: str = "{}"
) -> Run:
    row = {"run_id": run_id, "model_type": "als", "best_iteration": best, "hyperparameters": parameters}
    rows = [NOTHING | {"iteration": number} | item for number, item in enumerate(iterations, 1)]
    return Run(row, NOW, rows)


def width(picture: bytes) -> int:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int(struct.unpack(">I", picture[16:20])[0])


def test_a_panel_is_there_for_what_was_measured() -> None:
    one = run({"loss": 2.0}, {"loss": 1.0})
    two = run({"loss": 2.0, "validation_ndcg": 0.1}, {"loss": 1.0, "validation_ndcg": 0.2})
    three = run({"loss": 2.0, "validation_ndcg": 0.1, "validation_recall": 0.1})
    assert width(draw([one])) < width(draw([two])) < width(draw([three]))
    assert width(draw([one, three])) == width(draw([three]))


@pytest.mark.parametrize("iterations", [[], [{}], [{"loss": math.nan}, {"loss": math.inf}]])
def test_without_a_finite_value_there_is_nothing_to_draw(iterations: list[dict[str, Any]]) -> None:
    assert not has_curves(run(*iterations))


@pytest.mark.parametrize(
    "iterations",
    [
        [{"loss": 1.0}],
        [{"loss": 1.0}, {"loss": math.nan}, {"loss": 3.0}],
        [{"loss": 1e6}, {"loss": 1.0}],
        [{"loss": -5.0}, {"loss": -500.0}],
        [{"loss": 0.0}, {"loss": 0.0}],
        [{"validation_recall": 0.1}],
        [{"loss": float(number)} for number in range(5_000)],
    ],
)
@pytest.mark.parametrize("best", [None, 1, 99])
def test_every_course_is_drawn(iterations: list[dict[str, Any]], best: int | None) -> None:
    assert has_curves(run(*iterations, best=best))
    assert width(draw([run(*iterations, best=best)])) > 0


def test_run_ids_are_names_and_no_formulas() -> None:
    ids = ["$x_1$", "_hidden", "a" * 500, "größe \x1b", "{}%s\\"]
    draw([run({"loss": 1.0}, run_id=run_id, best=1) for run_id in ids])


def test_more_runs_than_colours_are_drawn() -> None:
    draw([run({"loss": float(number)}, {"loss": 1.0}, run_id=f"als_{number}") for number in range(12)])


def drawn(*runs: Run) -> Figure:
    with mpl.rc_context({"text.parse_math": False}):
        figure = curves._layout(runs)
        figure.draw_without_rendering()
    return figure


def test_a_logarithmic_scale_has_plain_numbers() -> None:
    [axis] = drawn(run({"loss": 2_000.0}, {"loss": 0.05})).axes
    assert axis.get_yscale() == "log"
    low, high = axis.get_ylim()
    ticks = zip(axis.get_yticks(), axis.get_yticklabels(), strict=True)
    texts = [label.get_text() for tick, label in ticks if low <= tick <= high]
    assert texts == ["0.1", "1", "10", "100", "1000"]
    assert not any(label.get_text() for label in axis.get_yticklabels(minor=True))


def test_a_single_iteration_has_a_single_tick() -> None:
    [axis] = drawn(run({"loss": 2.0})).axes
    assert axis.get_xticks().tolist() == [1]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1"]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_title_panel_and_legend_do_not_overlap(count: int) -> None:
    points = [{"loss": 2.0, "validation_ndcg": 0.1}, {"loss": 1.0, "validation_ndcg": 0.2}]
    figure = drawn(*(run(*points, run_id=f"als_{number}", best=1) for number in range(count)))
    title = figure.texts[0].get_window_extent()
    [legend] = figure.legends
    for axis in figure.axes:
        box = axis.get_tightbbox()
        assert box is not None
        assert legend.get_window_extent().y1 < box.y0 < box.y1 < title.y0
    assert title.y1 < figure.bbox.y1
