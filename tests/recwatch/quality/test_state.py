import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from recwatch.quality import Experiment, Ranking, Regression
from recwatch.quality.journal import Settings
from recwatch.quality.moments import Moments
from recwatch.quality.records import Feedback, Prediction, Record
from recwatch.quality.state import State, load_state, save_state

MakeSettings = Callable[..., Settings]
COLUMNS = ("score", "predicted", "label")
METRICS = ("accuracy", "precision", "recall", "f1", "auc")
STATE = State(
    "reviews",
    COLUMNS,
    METRICS,
    "rerank",
    ["a", "b", "c"],
    [
        Record("waiting", Prediction("a", 1.5, "default", "v1", 0.5, 1.0, (1, "x"), 7, None)),
        Record("early", None, Feedback("b", 2.5, 1.0, ("y",))),
        3.5,
    ],
    np.array([[1.0, 0.5, 1.0, 1.0]]),
    {("rerank", "accuracy"): Moments(3, 0.5, 0.25)},
)
PREDICTED = ["a", 1.5, "default", "v1", 1, None, [1, "x"], 7, None]
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


def _json(value: object) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def _with_head(path: Path, head: object) -> bytes:
    with path.open("wb") as file:
        np.savez(file, head=_json(head), records=_json([]), table=STATE.table)
    return path.read_bytes()


def _with_record(path: Path, *record: object) -> bytes:
    save_state(path, STATE)
    with np.load(path) as whole:
        head = whole["head"]
    with path.open("wb") as file:
        np.savez(file, head=head, records=_json([["a", record]]), table=STATE.table)
    return path.read_bytes()


def _with_total(path: Path, *total: object) -> bytes:
    save_state(path, STATE)
    with np.load(path) as whole:
        head = json.loads(whole["head"].tobytes())
    return _with_head(path, {**head, "totals": [total]})


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"not a zip file",
        lambda path: _whole(path)[:-200],
        lambda path: _whole(path)[:300] + b"\x00" * 50 + _whole(path)[350:],
        lambda path: _with_head(path, []),
        lambda path: _with_head(path, {"version": 99}),
        lambda path: _with_head(path, {"version": 2, "columns": ["a"]}),
        lambda path: _with_record(path, "waiting", None, None),
        lambda path: _with_record(path, "waiting", [*PREDICTED[:1], "noon", *PREDICTED[2:]], None),
        lambda path: _with_record(path, "waiting", [*PREDICTED[:5], "high", *PREDICTED[6:]], None),
        lambda path: _with_record(path, "waiting", [*PREDICTED[:6], [[1]], *PREDICTED[7:]], None),
        lambda path: _with_record(path, "waiting", [], None),
        lambda path: _with_record(path, "over", PREDICTED, None),
        lambda path: _with_record(path, "early", None, ["a", 2.5, None, []]),
        lambda path: _with_record(path, "early", None, ["b", 2.5, 1.0, []]),
        lambda path: _with_record(path, "joined", None, ["a", 2.5, 1.0, []]),
        lambda path: _with_total(path, "rerank", "accuracy", "many", 0.5, 0.25),
        lambda path: _with_total(path, "rerank", 5, 3, 0.5, 0.25),
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


def test_what_a_whole_file_holds_is_taken(tmp_path: Path, make_settings: MakeSettings) -> None:
    path = tmp_path / "state.npz"
    _with_record(path, "waiting", PREDICTED, None)
    found = load_state(path, make_settings())
    assert found is not None
    assert found.records == [Record("waiting", Prediction("a", 1.5, "default", "v1", 1, None, (1, "x"), 7))]


def test_no_call_of_the_encoder_has_many_records(tmp_path: Path, make_settings: MakeSettings) -> None:
    """No other thread runs while one does."""
    path = tmp_path / "state.npz"
    ids = [f"p{number}" for number in range(2_001)]
    many = [Record("waiting", Prediction(key, 1.5, "default")) for key in ids]
    save_state(path, STATE._replace(ids=ids, records=many))
    with np.load(path) as whole:
        lines = whole["records"].tobytes().splitlines()
    assert max(len(json.loads(line)) for line in lines) == 250
    found = load_state(path, make_settings())
    assert found is not None
    assert found.records == many


def test_rows_of_another_k_are_not_shown_under_this_one(tmp_path: Path, make_settings: MakeSettings) -> None:
    path = tmp_path / "state.npz"
    there, here = Ranking(k=10), Ranking(k=1)
    assert there.columns == here.columns
    save_state(
        path, STATE._replace(columns=there.columns, metrics=tuple(there.metrics), table=np.zeros((1, 7)))
    )
    assert load_state(path, make_settings(task=here)) is None
    assert [aside.name.split("-")[0] for aside in tmp_path.iterdir()] == ["state.npz.damaged"]


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
