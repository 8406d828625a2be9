import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recwatch.quality import Experiment, Regression
from recwatch.quality.journal import Settings
from recwatch.quality.moments import Moments
from recwatch.quality.records import Feedback, Prediction, Record
from recwatch.quality.state import State, load_state, save_state

MakeSettings = Callable[..., Settings]
COLUMNS = ("score", "predicted", "label")
STATE = State(
    "reviews",
    COLUMNS,
    "rerank",
    (
        ("a", Record("waiting", Prediction("a", 1.5, "default", "v1", 0.5, 1.0, (1, "x"), 7, None))),
        ("b", Record("early", None, Feedback("b", 2.5, 1.0, ("y",)))),
    ),
    np.array([[1.0, 0.5, 1.0, 1.0]]),
    {("rerank", "accuracy"): Moments(3, 0.5, 0.25)},
)
EXPERIMENT = Experiment(
    "rerank", {"control": 0.5, "rerank": 0.5}, "control", datetime(2026, 11, 1, tzinfo=UTC)
)


def test_a_state_comes_back_as_it_was(tmp_path: Path, make_settings: MakeSettings) -> None:
    save_state(tmp_path / "state.npz", STATE)
    found = load_state(tmp_path / "state.npz", make_settings(experiment=EXPERIMENT))
    assert found is not None
    assert found._replace(table=STATE.table) == STATE
    assert found.table.tolist() == STATE.table.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_totals_of_another_experiment_are_left_out(tmp_path: Path, make_settings: MakeSettings) -> None:
    save_state(tmp_path / "state.npz", STATE)
    found = load_state(tmp_path / "state.npz", make_settings())
    assert found is not None
    assert (found.totals, found.records) == ({}, STATE.records)


def test_no_file_is_no_state(
    tmp_path: Path, make_settings: MakeSettings, dropped: Callable[[str], float]
) -> None:
    assert load_state(tmp_path / "state.npz", make_settings()) is None
    assert dropped("damaged") == 0


def _whole(path: Path) -> bytes:
    save_state(path, STATE)
    return path.read_bytes()


def _with_head(path: Path, head: object) -> bytes:
    with path.open("wb") as file:
        np.savez(file, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), table=STATE.table)
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"not a zip file",
        lambda path: _whole(path)[:-200],
        lambda path: _whole(path)[:300] + b"\x00" * 50 + _whole(path)[350:],
        lambda path: _with_head(path, []),
        lambda path: _with_head(path, {"version": 99}),
        lambda path: _with_head(path, {"version": 1, "columns": ["a"]}),
    ],
)
def test_a_damaged_file_is_told_and_set_aside(
    tmp_path: Path,
    make_settings: MakeSettings,
    damage: Callable[[Path], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "state.npz"
    damaged = damage(path)
    path.write_bytes(damaged)
    caplog.clear()
    assert load_state(path, make_settings()) is None
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith("state.npz.damaged-")
    assert aside.read_bytes() == damaged
    assert "is damaged" in caplog.text
    save_state(path, STATE)
    assert load_state(path, make_settings()) is not None


def test_pickles_are_not_read(tmp_path: Path, make_settings: MakeSettings) -> None:
    path = tmp_path / "state.npz"
    with path.open("wb") as file:
        np.savez(file, head=np.array([{"a": 1}], dtype=object), table=STATE.table)
    assert load_state(path, make_settings()) is None


@pytest.mark.parametrize("other", [{"model": "other"}, {"task": Regression()}])
def test_the_state_of_something_else_is_set_aside(
    tmp_path: Path, make_settings: MakeSettings, other: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    save_state(tmp_path / "state.npz", STATE)
    assert load_state(tmp_path / "state.npz", make_settings(**other)) is None
    assert "is of the model 'reviews'" in caplog.text


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "state.npz").mkdir()
    with pytest.raises(OSError, match="directory"):
        save_state(tmp_path / "state.npz", STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
