"""The command that trains: what it leaves behind, what it says, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from recommender.data import ensure_history
from recommender.engine import MODEL_FILE
from recommender.paths import Home
from recommender.train import parse
from recommender.training import REFERENCE_FILE, TITLES_FILE
from recwatch.registry import ModelRegistry

Rows = Callable[[Home, str], list[dict[str, Any]]]


def run(home: Home, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recommender.train", "--home", str(home.root), *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RECWATCH_")}
    return subprocess.run(
        command, env=clean | environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("model", "round_line"), [("als", r"Iteration 1/15 \| loss="), ("bpr", r"Epoch 1/100 \| avg_loss=")]
)
def test_the_command_trains_publishes_and_promotes(
    tmp_path: Path, rows: Rows, model: str, round_line: str
) -> None:
    """On an empty home: history, catalogue and title embeddings are made on the way."""
    home = Home(tmp_path)
    result_file = tmp_path / "result.json"
    done = run(
        home,
        "--model",
        model,
        "--promote",
        RECWATCH_RESULT=str(result_file),
        RECWATCH_RUN_ID="run-1",
        RECWATCH_REASON="the first",
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr

    registry = ModelRegistry(home.artifacts(model))
    version = registry.current()
    assert version is not None
    assert registry.history()[-1].reason == "the first"
    folder = registry.path(version)
    names = {path.name for path in folder.iterdir()}
    assert names == {"manifest.json", MODEL_FILE, REFERENCE_FILE, TITLES_FILE}

    manifest = registry.manifest(version)
    assert manifest.data_version.startswith("41607-ratings-to-2003-04-")
    assert manifest.newest_event is not None
    assert manifest.newest_event.date().isoformat() == manifest.data_version[17:27]
    assert set(manifest.metrics) == {"recall@10", "recall@20", "ndcg@10", "ndcg@20", "coverage"}
    assert manifest.parameters["iterations"] >= 1

    result = json.loads(result_file.read_text())
    assert result["version"] == version
    assert result["serving_metrics"] is None
    assert result["metrics"] == manifest.metrics
    assert result["samples"] == 332

    (row,) = rows(home, "SELECT * FROM training_runs")
    assert (row["run_id"], row["model_type"], row["status"]) == ("run-1", model, "completed")
    assert row["ndcg_at_10"] == pytest.approx(manifest.metrics["ndcg@10"])
    assert row["recall_at_10"] > row["baseline_recall_at_10"] > 0
    iterations = rows(home, "SELECT * FROM iteration_metrics ORDER BY iteration")
    assert iterations[-1]["loss"] < iterations[0]["loss"]
    assert any(item["validation_ndcg"] for item in iterations)

    log = (home.training_logs / f"{model}.log").read_text()
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| INFO \| "
    for line in (
        "Training started \\| factors=",
        round_line,
        "Validation \\| recall@10=",
        "Evaluation \\| recall@10=",
    ):
        assert re.search(f"^{stamp}{line}", log, re.MULTILINE), line


def test_the_command_says_what_stopped_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ensure_history(home, start=datetime(1996, 6, 1, tzinfo=UTC))
    done = run(home, "--model", "als", "--until", "1990-01-01", RECWATCH_RESULT=str(tmp_path / "result.json"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "there is no rating before 1990-01-01 00:00:00+00:00: take a later --until"
    )
    assert not (tmp_path / "result.json").exists()


class Ending(BaseHTTPRequestHandler):
    """A Pushgateway that ends the trainer by SIGTERM at its first push, before it answers."""

    trainer: int
    pushes: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.pushes.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if len(self.pushes) == 1:
            os.kill(self.trainer, signal.SIGTERM)
        else:
            self.send_response(202)
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass


@pytest.mark.parametrize("arguments", [[], ["--until", "1990-01-01"]])
def test_a_training_ended_by_sigterm_is_a_failed_run(home: Home, rows: Rows, arguments: list[str]) -> None:
    class Handler(Ending):
        pushes: ClassVar[list[str]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gateway:
        environment = {**os.environ, "RECWATCH_PUSHGATEWAY": f"127.0.0.1:{gateway.server_port}"}
        command = [sys.executable, "-m", "recommender.train", "--model", "als", "--home", str(home.root)]
        with subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE) as trainer:
            Handler.trainer = trainer.pid
            threading.Thread(target=gateway.serve_forever).start()
            _, errors = trainer.communicate(timeout=120)
        gateway.shutdown()
    assert trainer.returncode == 143, errors
    assert [row["status"] for row in rows(home, "SELECT status FROM training_runs")] == ["failed"]
    assert 'training_runs_total{model="als",status="failed"} 1.0' in Handler.pushes[-1]
    assert 'training_in_progress{model="als"} 0.0' in Handler.pushes[-1]


def test_the_environment_names_run_model_and_result() -> None:
    environment = {
        "RECWATCH_HOME": "/var/lib/recwatch",
        "RECWATCH_MODEL": "bpr",
        "RECWATCH_RUN_ID": "r1",
        "RECWATCH_REASON": "drift",
        "RECWATCH_RESULT": "/run/result.json",
        "RECWATCH_PUSHGATEWAY": "localhost:9091",
    }
    command = parse([], environment)
    assert command.job.model == "bpr"
    assert command.job.home.root == Path("/var/lib/recwatch")
    assert (command.job.run_id, command.job.pushgateway) == ("r1", "localhost:9091")
    assert (command.reason, command.result_file) == ("drift", Path("/run/result.json"))
    assert not command.promote


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ([], {}, "--model: choose among als, bpr"),
        ([], {"RECWATCH_MODEL": "lightfm"}, "--model: choose among als, bpr"),
        (["--model", "als", "--window", "-3"], {}, "-3 is not a positive number of days"),
        (["--model", "als", "--until", "soon"], {}, "invalid parse_date value: 'soon'"),
    ],
)
def test_mistakes_on_the_command_line_are_refused(
    arguments: list[str], environment: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse(arguments, environment)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
