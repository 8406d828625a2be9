import json
import math
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.jobs import Parcel, Remote, plain
from recwatch_exporter.process.workers import WorkerPool
from recwatch_exporter.run import freeze_check, run_check

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_check_arrives_as_it_was(make_check: Callable[..., Check]) -> None:
    check = make_check(
        schedule={"cron": "0 9 * * mon", "timezone": "Europe/Berlin"},
        timestamp="t",
        current={"path": "a/*.parquet", "window": "30d"},
        memory="1GiB",
    )

    arrived = pickle.loads(pickle.dumps(Parcel.of(check))).check()  # noqa: S301 - our own

    assert arrived == check
    assert type(arrived) is type(check)
    assert arrived.model_fields_set == check.model_fields_set


def test_a_worker_finds_what_this_process_finds(
    make_check: Callable[..., Check], write: Callable[..., Path], deadline: Deadline
) -> None:
    write("ref.parquet", rating=[1.0, 2.0] * 50)
    write("cur.parquet", rating=[2.0, 3.0] * 50)
    check, pool = make_check(), WorkerPool()
    remote = Remote(pool)

    try:
        assert remote.run(check, now=NOW, deadline=deadline) == run_check(check, now=NOW, deadline=deadline)
        frozen = remote.freeze(check, now=NOW, deadline=deadline)
        with pytest.raises(SourceError, match="does not exist"):
            remote.run(make_check(current={"path": "no.parquet"}), now=NOW, deadline=deadline)
    finally:
        pool.close()

    here = freeze_check(check, now=NOW, deadline=deadline)
    assert frozen.parts.keys() == here.parts.keys()
    for name, array in here.parts["rating", "all"].items():
        np.testing.assert_array_equal(frozen.parts["rating", "all"][name], array)


def test_details_become_what_json_can_hold() -> None:
    details = {
        "number": np.float64(0.5),
        "count": np.int64(3),
        "flag": np.bool_(True),  # noqa: FBT003 - numpy's own
        "bins": np.array([1.0, math.nan, math.inf]),
        "nested": [{"id": np.str_("a"), 5: (1, 2)}],
        "when": NOW,
        "nothing": None,
    }

    assert json.loads(json.dumps(plain(details), allow_nan=False)) == {
        "number": 0.5,
        "count": 3,
        "flag": True,
        "bins": [1.0, None, None],
        "nested": [{"id": "a", "5": [1, 2]}],
        "when": "2026-01-01 00:00:00+00:00",
        "nothing": None,
    }


def test_long_texts_of_data_are_cut() -> None:
    found = plain({"k" * 1_000_000: ["v" * 1_000_000]})

    assert [(len(key), len(value)) for key, (value,) in found.items()] == [(500, 500)]
