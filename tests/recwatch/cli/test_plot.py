import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.store import open_store

Command = Callable[..., Any]
FIRST, SECOND = "als_20250118_031500_5d0c1e", "als_20250119_031500_a41f77"
LOST = "als_20250120_041500_77ab90"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _store(runs: Path) -> None:
    pass


def test_the_picture_is_named_after_the_runs(recwatch: Command, home: Path) -> None:
    answer = recwatch("plot-training", FIRST)
    assert (answer.code, answer.out, answer.err) == (0, f"training_{FIRST}.png\n", "")
    assert (home / f"training_{FIRST}.png").read_bytes().startswith(PNG)


def test_several_runs_are_one_picture(recwatch: Command, home: Path) -> None:
    answer = recwatch("plot-training", FIRST, SECOND, FIRST, "--json")
    name = f"training_{FIRST}_vs_{SECOND}.png"
    assert json.loads(answer.out) == {"file": name, "run_ids": [FIRST, SECOND]}
    assert (home / name).is_file()


def test_the_file_can_be_chosen(recwatch: Command, home: Path) -> None:
    (home / "reports").mkdir()
    assert recwatch("plot-training", FIRST, "-o", "reports/a.PNG").out == "reports/a.PNG\n"
    assert recwatch("plot-training", FIRST, "--output", "reports").out == f"reports/training_{FIRST}.png\n"
    assert len(list((home / "reports").iterdir())) == 2


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a.pdf", "recwatch: a.pdf: the picture is a PNG: write a name that ends in .png\n"),
        (
            "no/a.png",
            "recwatch: no/a.png cannot be written: No such file or directory: choose another with -o\n",
        ),
    ],
)
def test_a_file_that_cannot_be_written_costs_one_line(recwatch: Command, file: str, message: str) -> None:
    answer = recwatch("plot-training", FIRST, "-o", file)
    assert (answer.code, answer.out, answer.err) == (1, "", message)


def test_a_run_without_iterations_has_nothing_to_draw(recwatch: Command, home: Path) -> None:
    answer = recwatch("plot-training", FIRST, LOST)
    assert answer.code == 1
    assert answer.err.startswith(f"recwatch: nothing to draw: {LOST} has neither loss nor validation")
    assert not list(home.glob("*.png"))


@pytest.mark.parametrize("run_id", ["../../x", "/etc/x", "..", "a/../../b", "a\nb", "$x_1^2$", "_a", "{"])
def test_a_run_id_is_never_a_path(recwatch: Command, runs: Path, home: Path, run_id: str) -> None:
    with open_store(f"sqlite:///{runs}") as store:
        store.save_run({"run_id": run_id, "model_type": run_id}, [{"iteration": 1, "loss": 1.0}])
    answer = recwatch("plot-training", run_id)
    assert answer.code == 0, answer.err
    [picture] = home.parent.rglob("*.png")
    assert picture.parent == home
    assert picture.name.startswith("training_")


def test_a_run_with_times_alone_is_told_what_else_could_be_drawn(recwatch: Command, runs: Path) -> None:
    with open_store(f"sqlite:///{runs}") as store:
        store.save_run({"run_id": "svd"}, [{"iteration": 1, "wall_time_seconds": 1.0}])
    answer = recwatch("plot-training", "svd")
    assert ".validation(...) while training (fit_surprise can tell times alone)" in answer.err


def test_the_picture_is_named_after_the_whole_ids(recwatch: Command) -> None:
    answer = recwatch("plot-training", "als_20250118", FIRST, "--json")
    assert json.loads(answer.out) == {"file": f"training_{FIRST}.png", "run_ids": [FIRST]}
