"""Several processes on one store: exactly one counts each label, a killed one loses its last batch alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recwatch.store import create_store_engine, open_store
from recwatch.store.tables import predictions

APP = Path(__file__).parent / "apps" / "writer.py"


class Writer:
    """`apps/writer.py` in a process of its own."""

    def __init__(self, url: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(APP), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, order: str) -> Any:
        self.tell(order)
        return self.answer()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def start(url: str) -> Iterator[Callable[..., Writer]]:
    open_store(url).close()
    writers: list[Writer] = []

    def make(**environment: str) -> Writer:
        writers.append(Writer(url, **environment))
        return writers[-1]

    yield make
    for writer in writers:
        writer.process.kill()
        writer.process.communicate()


def recorded(url: str) -> list[str]:
    engine = create_store_engine(url)
    try:
        with engine.connect() as connection:
            query = sa.select(predictions.c.prediction_id).where(predictions.c.timestamp.is_not(None))
            return sorted(connection.execute(query).scalars())
    finally:
        engine.dispose()


def test_a_label_given_in_two_processes_at_once_counts_in_one(start: Callable[..., Writer]) -> None:
    writers = [start(), start(), start()]
    assert writers[0].ask("predict 0 900") is True
    assert writers[0].ask("flush 0 0") is True
    for order in ("label 0 900", "flush 0 0"):
        for writer in writers:
            writer.tell(order)
        assert [writer.answer() for writer in writers] == [True] * 3
    for writer in writers:
        assert writer.ask("flush 0 0") is True
    counts = [writer.ask("counts 0 0") for writer in writers]
    assert sum(each["feedback"] for each in counts) == 900
    assert sum(each["lags"] for each in counts) == 900
    assert sum(each["duplicate"] for each in counts) == 1_800
    # Each shows the window of all.
    assert [(each["samples"], each["accuracy"]) for each in counts] == [(900, 1.0)] * 3


def test_prediction_and_label_may_be_given_in_different_processes_in_any_order(
    start: Callable[..., Writer],
) -> None:
    one, other = start(), start()
    for writer, orders in (
        (one, ("predict 0 100", "label 100 200")),
        (other, ("label 0 100", "predict 100 200")),
    ):
        for order in (*orders, "flush 0 0"):
            assert writer.ask(order) is True
    assert one.ask("flush 0 0") is True
    counts = [one.ask("counts 0 0"), other.ask("counts 0 0")]
    assert [each["prediction"] for each in counts] == [100, 100]
    # The one that completes a pair counts it.
    assert [each["feedback"] for each in counts] == [0, 200]
    assert [each["samples"] for each in counts] == [200, 200]


def test_a_killed_process_loses_what_it_has_not_written_and_nothing_else(
    url: str, start: Callable[..., Writer]
) -> None:
    killed = start()
    for order in ("predict 0 100", "flush 0 0", "predict 100 200"):
        assert killed.ask(order) is True
    killed.process.kill()
    killed.process.wait()
    assert recorded(url) == sorted(f"p{number}" for number in range(100))
    after = start()
    for order in ("label 0 200", "flush 0 0"):
        assert after.ask(order) is True
    assert after.ask("counts 0 0")["feedback"] == 100


def test_a_process_that_ends_writes_what_waits(url: str, start: Callable[..., Writer]) -> None:
    ended = start()
    assert ended.ask("predict 0 100") is True
    ended.process.communicate(timeout=60)
    assert ended.process.returncode == 0
    assert len(recorded(url)) == 100


def test_workers_export_the_sum_of_what_each_counted_and_one_window(
    start: Callable[..., Writer], tmp_path: Path
) -> None:
    (tmp_path / "metrics").mkdir()
    workers = [start(PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics")) for _ in range(2)]
    for first, worker in zip((0, 50), workers, strict=True):
        for order in (f"predict {first} {first + 50}", f"label {first} {first + 50}", "flush 0 0"):
            assert worker.ask(order) is True
    assert workers[0].ask("flush 0 0") is True
    text = workers[1].ask("render 0 0")
    assert 'model_feedback_total{model="reviews"} 100.0' in text
    assert 'model_feedback_lag_seconds_count{model="reviews"} 100.0' in text
    assert 'model_quality_samples{model="reviews"} 100.0' in text
    assert 'model_quality{metric="accuracy",model="reviews"} 1.0' in text
    assert "auc" not in text  # one class alone
    assert "NaN" not in text
