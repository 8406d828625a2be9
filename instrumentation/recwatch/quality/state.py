"""Carry a monitor's memory over a restart in one .npz file: numbers and JSON, no pickle, replaced whole."""

import json
import os
import time
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recwatch.quality.experiment import Totals
from recwatch.quality.journal import Settings
from recwatch.quality.moments import Moments
from recwatch.quality.records import Feedback, Prediction, Record

__all__ = ["State", "load_state", "save_state"]

_VERSION = 1


class State(NamedTuple):
    """All that a monitor in memory knows.

    Attributes:
        model: whose it is.
        columns: what the floats of a row are.
        experiment: whose totals these are.
        records: by prediction id.
        table: the window, shape (rows, 1 + columns), the time first.
        totals: of the experiment.
    """

    model: str
    columns: tuple[str, ...]
    experiment: str | None
    records: tuple[tuple[str, Record], ...]
    table: npt.NDArray[np.float64]
    totals: Totals


def save_state(path: Path, state: State) -> None:
    """Write a file beside the old one and put it in its place; after a crash there is one of the two, whole.

    Raises:
        OSError: when it cannot be written; the old file stays.
    """
    head = {
        "version": _VERSION,
        "model": state.model,
        "columns": state.columns,
        "experiment": state.experiment,
        "totals": [[*key, *moments] for key, moments in state.totals.items()],
        "records": [record for _, record in state.records],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), table=state.table)
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
    if (state.model, state.columns) != (settings.model, settings.task.columns):
        _set_aside(path, f"{path} is of the model {state.model!r} with columns {state.columns}", settings)
        return None
    experiment = settings.experiment.name if settings.experiment else None
    return state if state.experiment == experiment else state._replace(totals={})


def _read(path: Path) -> State:
    # Opened here: numpy leaves a file open that is no zip file.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        head = json.loads(file["head"].tobytes())
        table = np.asarray(file["table"], dtype=np.float64)
    columns = tuple(head["columns"])
    if head["version"] != _VERSION or table.ndim != 2 or table.shape[1] != 1 + len(columns):  # noqa: PLR2004
        raise ValueError("its version or shape is another")
    return State(
        head["model"],
        columns,
        head["experiment"],
        tuple(_records(head["records"])),
        table,
        {(variant, metric): Moments(*moments) for variant, metric, *moments in head["totals"]},
    )


def _records(rows: Iterable[Any]) -> Iterable[tuple[str, Record]]:
    for status, predicted, labelled in rows:
        prediction = feedback = None
        if predicted is not None:
            prediction = Prediction._make(predicted)
            prediction = prediction._replace(items=tuple(prediction.items))
        if labelled is not None:
            feedback = Feedback._make(labelled)
            feedback = feedback._replace(taken=tuple(feedback.taken))
        known = prediction or feedback
        if known is None:
            raise ValueError("a record is empty")
        yield known.prediction_id, Record(status, prediction, feedback)


def _set_aside(path: Path, why: str, settings: Settings) -> None:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    try:
        path.replace(aside)
    except OSError as error:
        why = f"{why}; it cannot be set aside: {error}"
    settings.counts.drop("damaged", f"{why}; it is kept as {aside.name}, the monitor begins anew", writes=0)
