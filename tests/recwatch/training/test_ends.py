"""How a run without a block begins and ends."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.store import open_store
from recwatch.testing import wait_until
from recwatch.training import TrainingRun, liveness, start_run

Dropped = Callable[[str, str], float | None]


def rows(store_url: str) -> list[tuple[Any, Any]]:
    with open_store(store_url) as store:
        return [(row["status"], row["error"]) for row in store.runs()]


def test_a_run_without_a_block(registry: CollectorRegistry, store_url: str) -> None:
    run = start_run("als", parameters={"factors": 64}, store_url=store_url, registry=registry)
    assert run.is_open
    run.iteration(1, 1, loss=1.0)
    run.finish()
    assert (run.is_open, run.status) == (False, "completed")
    assert rows(store_url) == [("completed", None)]


def test_a_block_may_begin_and_end_what_functions_began_and_ended(registry: CollectorRegistry) -> None:
    with start_run("als", registry=registry) as run:
        run.finish()
    assert run.status == "completed"
    assert run.start().status == "completed"
    assert registry.get_sample_value("training_runs_total", {"model": "als", "status": "completed"}) == 1


def test_what_comes_before_the_start_or_after_the_end_is_counted(
    registry: CollectorRegistry, dropped: Dropped, caplog: pytest.LogCaptureFixture
) -> None:
    run = TrainingRun("als", registry=registry)
    run.iteration(1, 1)
    run.start().finish()
    run.evaluation({"ndcg@10": 0.1})
    assert dropped("training", "closed") == 2
    assert "iteration of als_" in caplog.text
    assert "which has not started: use it in a `with` block, or call start" in caplog.text


def test_a_call_with_a_wrong_value_says_which(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with start_run("als", registry=registry) as run:
        run.iteration("x", loss="abc")  # type: ignore[arg-type]
    assert f"iteration of {run.run_id}: ValueError: loss='abc' is not a number" in caplog.text


ENDED = """
import signal, sys
from recwatch.training import TrainingRun

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
with TrainingRun("als", store_url=sys.argv[1]):
    print("ready", flush=True)
    signal.pause()
"""


def test_sigterm_leaves_a_failed_run(store_url: str) -> None:
    command = [sys.executable, "-c", ENDED, store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "ready\n"
        trainer.send_signal(signal.SIGTERM)
        assert trainer.wait(timeout=30) == 143
    assert rows(store_url) == [("failed", "SystemExit: 143")]


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_the_end_is_written_ends_the_run_all_the_same(
    registry: CollectorRegistry, store_url: str, tmp_path: Path
) -> None:
    run = start_run("als", store_url=store_url, log_dir=tmp_path, serve_metrics=0, registry=registry)
    other = sqlite3.connect(tmp_path / "store.db", check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # so that the end has to wait

    def interrupt() -> None:
        wait_until(lambda: run.status == "completed")
        os.kill(os.getpid(), signal.SIGINT)
        other.rollback()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    thread.join()
    other.close()
    assert (run.status, run.metrics_port) == ("completed", None)
    assert rows(store_url) == [("completed", None)]
    assert run._log._handler is None
    wait_until(lambda: run.run_id not in liveness._open_runs)


def test_an_error_without_words_is_its_name(registry: CollectorRegistry, store_url: str) -> None:
    start_run("als", store_url=store_url, registry=registry).fail(KeyboardInterrupt())
    assert rows(store_url) == [("failed", "KeyboardInterrupt")]


def ends(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().partition(" |")[0] for record in caplog.records][1:]


def test_evaluations_between_rounds_do_not_say_that_training_is_completed(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    run = start_run("als", registry=registry)
    for number in (1, 2):
        run.iteration(number, 3)
        run.evaluation({"ndcg@10": 0.1})
    run.fail("loss is NaN")
    assert ends(caplog) == ["Iteration 1/3", "Evaluation", "Iteration 2/3", "Evaluation", "Training failed"]


def test_without_a_number_of_rounds_training_is_completed_at_the_end(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with start_run("als", registry=registry) as run:
        for number in (1, 2):
            run.iteration(number)
            run.evaluation({"ndcg@10": 0.1})
    assert ends(caplog) == ["Iteration 1", "Evaluation", "Iteration 2", "Evaluation", "Training completed"]


@pytest.mark.parametrize("last", [2, None])
def test_after_the_last_round_training_is_completed_before_its_evaluation(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture, last: int | None
) -> None:
    with start_run("als", registry=registry) as run:
        if last:
            run.iteration(last, 2)
        run.evaluation({"ndcg@10": 0.1})
    assert ends(caplog)[-2:] == ["Training completed", "Evaluation"]
