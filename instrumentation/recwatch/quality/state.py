"""Carry a monitor's memory over a restart in one .npz file: numbers and JSON, no pickle, replaced whole."""

import json
import math
import os
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from recwatch.quality.experiment import Totals
from recwatch.quality.journal import Settings
from recwatch.quality.moments import Moments
from recwatch.quality.records import Feedback, Item, Prediction, Record, Status

__all__ = ["Kept", "State", "load_state", "save_state"]

Kept = Record | float
"""What is kept of an id: of one that is joined, only when its prediction was made, in seconds since 1970.

Most records are, and a garbage collector has to look at each record at every turn, but not at floats.
"""

_VERSION = 2
# One call of the JSON encoder keeps all other threads waiting until it ends: some hundred records take 1 ms.
_RECORDS_A_LINE = 250
_STATUSES = get_args(Status)


class State(NamedTuple):
    """All that a monitor in memory knows.

    Attributes:
        model: whose it is.
        columns: what the floats of a row are.
        metrics: what is made of them; their names hold settings that the rows depend on, such as k.
        experiment: whose totals these are.
        ids: of the predictions.
        records: what is kept of each.
        table: the window, shape (rows, 1 + columns), the time first.
        totals: of the experiment.
    """

    model: str
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    experiment: str | None
    ids: Sequence[str]
    records: Sequence[Kept]
    table: npt.NDArray[np.float64]
    totals: Totals


def save_state(path: Path, state: State) -> None:
    """Write a file beside the old one and put it in its place; after a crash there is one of the two, whole.

    Other threads run on meanwhile.

    Raises:
        OSError: when it cannot be written; the old file stays.
    """
    head = {
        "version": _VERSION,
        "model": state.model,
        "columns": state.columns,
        "metrics": state.metrics,
        "experiment": state.experiment,
        "totals": [[*key, *moments] for key, moments in state.totals.items()],
    }
    lines = bytearray()
    for line in _as_lines(state):
        lines += line
        time.sleep(0)  # another thread's turn
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, head=_bytes(json.dumps(head).encode()), records=_bytes(lines), table=state.table)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_state(path: Path, settings: Settings) -> State | None:
    """Read a file; one that is damaged or belongs to something else is counted, logged and set aside.

    Returns:
        None where there is none, or none that can be used. Totals of another experiment are left out.
    """
    try:
        state = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        settings.counts.drop("unavailable", f"{path}: {error}", writes=0)
        return None
    # zlib's and zipfile's errors and what comes of JSON with another shape than ours.
    except (ValueError, KeyError, TypeError, EOFError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        _set_aside(path, f"{path} is damaged: {error!r}", settings)
        return None
    task = settings.task
    if (state.model, state.columns, state.metrics) != (settings.model, task.columns, tuple(task.metrics)):
        found = f"the model {state.model!r} with columns {state.columns} and metrics {state.metrics}"
        _set_aside(path, f"{path} is of {found}", settings)
        return None
    experiment = settings.experiment.name if settings.experiment else None
    return state if state.experiment == experiment else state._replace(totals={})


def _read(path: Path) -> State:
    # Opened here: numpy leaves a file open that is no zip file.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        head = json.loads(file["head"].tobytes())
        lines = file["records"].tobytes().splitlines()
        table = np.asarray(file["table"], dtype=np.float64)
    columns = tuple(head["columns"])
    if head["version"] != _VERSION or table.ndim != 2 or table.shape[1] != 1 + len(columns):  # noqa: PLR2004
        raise ValueError("its version or shape is another")
    return State(
        head["model"],
        columns,
        tuple(head["metrics"]),
        head["experiment"],
        *_split(_kept(*row) for line in lines for row in json.loads(line)),
        table,
        {(_text(arm), _text(metric)): _moments(*rest) for arm, metric, *rest in head["totals"]},
    )


def _as_lines(state: State) -> Iterator[bytes]:
    for first in range(0, len(state.ids), _RECORDS_A_LINE):
        part = slice(first, first + _RECORDS_A_LINE)
        yield json.dumps(list(zip(state.ids[part], state.records[part], strict=True))).encode() + b"\n"


def _split(pairs: Iterable[tuple[str, Kept]]) -> tuple[list[str], list[Kept]]:
    ids, records = [], []
    for key, kept in pairs:
        ids.append(key)
        records.append(kept)
    return ids, records


def _bytes(value: bytes | bytearray) -> npt.NDArray[np.uint8]:
    return np.frombuffer(value, dtype=np.uint8)


# What is read is held to the types that the rest of the code relies on: a later fault would end the monitor.


def _kept(key: Any, kept: Any) -> tuple[str, Kept]:
    if isinstance(kept, list):
        record = _record(*kept)
        if record.key != key:
            raise ValueError(f"the record of {key!r} is that of another")
        return record.key, record
    return _text(key), float(_number(kept))


def _record(status: Any, predicted: Any, labelled: Any) -> Record:
    prediction = feedback = None
    if predicted is not None:
        key, at, variant, version, score, value, items, unit, features = predicted
        prediction = Prediction(
            _text(key),
            _number(at),
            _text(variant),
            None if version is None else _text(version),
            None if score is None else _number(score),
            None if value is None else _number(value),
            _items(items),
            None if unit is None else int(_number(unit)),
            None if features is None else _text(features),
        )
    if labelled is not None:
        key, at, label, taken = labelled
        feedback = Feedback(_text(key), _number(at), _number(label), _items(taken))
    if status not in _STATUSES or (prediction is None) != (status == "early"):
        raise ValueError(f"a record is {status!r} and has {'no' if prediction is None else 'a'} prediction")
    return Record(status, prediction, feedback)


def _moments(samples: Any, mean: Any, squares: Any) -> Moments:
    return Moments(int(_number(samples)), _number(mean), _number(squares))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {value!r:.40}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"a finite number was expected, not {value!r:.40}")
    return value


def _items(values: Iterable[Any]) -> tuple[Item, ...]:
    return tuple(value if isinstance(value, int) else _text(value) for value in values)


def _set_aside(path: Path, why: str, settings: Settings) -> None:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    try:
        path.replace(aside)
    except OSError as error:
        why = f"{why}; it cannot be set aside: {error}"
    settings.counts.drop("damaged", f"{why}; it is kept as {aside.name}, the monitor begins anew", writes=0)
