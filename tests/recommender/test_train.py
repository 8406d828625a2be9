import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from recommender.data import ensure_history, read_all
from recommender.embeddings import TitleEmbeddings
from recommender.engine import MODEL_FILE
from recommender.errors import DataError, TrainingError
from recommender.factors import FactorModel
from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import read_interactions
from recommender.paths import Home
from recommender.train import parse
from recommender.training import REFERENCE_FILE, TITLES_FILE, Job, prepare, train
from recwatch.registry import ModelRegistry


def run(home: Home, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recommender.train", "--home", str(home.root), *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RECWATCH_")}
    return subprocess.run(
        command, env=clean | environment, capture_output=True, text=True, check=False, timeout=120
    )


def rows(home: Home, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home.root / "data" / "store.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


@pytest.mark.parametrize(
    ("model", "round_line"), [("als", r"Iteration 1/15 \| loss="), ("bpr", r"Epoch 1/100 \| avg_loss=")]
)
def test_the_command_trains_publishes_and_promotes(tmp_path: Path, model: str, round_line: str) -> None:
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


def test_the_drift_reference_is_the_newest_slice_of_what_was_known(home: Home) -> None:
    result = train(Job("als", home))
    folder = ModelRegistry(home.artifacts("als")).path(result.version)
    reference = read_interactions([folder / REFERENCE_FILE])
    everything = read_all(home)
    newest = everything.timestamp.max()
    expected = everything.timestamp >= newest - np.timedelta64(60, "D")
    assert len(reference) == expected.sum() > 100
    assert reference.timestamp.max() == newest
    manifest = ModelRegistry(home.artifacts("als")).manifest(result.version)
    assert manifest.newest_event == newest.item().replace(tzinfo=UTC)
    titles = TitleEmbeddings.read(folder / TITLES_FILE)
    assert titles.vectors.shape == (9066, 256)


def test_a_retrained_model_is_compared_on_what_neither_has_seen(home: Home) -> None:
    first = train(Job("als", home))
    registry = ModelRegistry(home.artifacts("als"))
    registry.promote(first.version, reason="test")
    serving = FactorModel.load(registry.path(first.version) / MODEL_FILE)
    before = prepare(Job("als", home))

    log = InteractionLog(home.interactions)
    user = int(serving.user_id[0])
    unseen = np.setdiff1d(serving.item_id, before.ratings.item_id[before.ratings.user_id == user])[:40]
    for minute, item_id in enumerate([*unseen.tolist()]):
        at = datetime(2003, 5, 2, tzinfo=UTC) + timedelta(minutes=minute)
        log.append(Record(user, item_id, "rating", 4.5, at, datetime.now(UTC)))
        log.append(Record(9_999, item_id, "rating", 3.5, at, datetime.now(UTC)))
    log.flush()

    after = prepare(Job("als", home))
    second = train(Job("als", home))
    trained = set(zip(before.train.user_id.tolist(), before.train.item_id.tolist(), strict=True))
    held_out = set(zip(after.held_out.user_id.tolist(), after.held_out.item_id.tolist(), strict=True))
    assert not trained & held_out
    assert second.version != first.version
    assert registry.current() == first.version
    assert second.serving_metrics is not None
    # User 9,999 is new: the version in service does not know him, so he compares nothing.
    assert second.samples == 332 == len(second.pairs["ndcg@10"])
    ours = np.array(second.pairs["ndcg@10"]).mean(axis=0)
    assert ours.tolist() == pytest.approx([second.metrics["ndcg@10"], second.serving_metrics["ndcg@10"]])
    manifest = registry.manifest(second.version)
    assert manifest.newest_event is not None
    assert manifest.newest_event.date().isoformat() == "2003-05-02"


def test_als_and_bpr_are_better_than_popularity(home: Home) -> None:
    metrics = CollectorRegistry()
    for model in ("als", "bpr"):
        train(Job(model, home, registry=metrics))
        labels = {"model": model, "metric": "ndcg@10"}
        found = metrics.get_sample_value("training_metric", {**labels, "split": "test"})
        baseline = metrics.get_sample_value("training_baseline_metric", labels)
        assert found is not None
        assert baseline is not None
        assert found > 1.1 * baseline


def test_the_same_seed_and_data_give_the_same_model(home: Home) -> None:
    registry = ModelRegistry(home.artifacts("als"))
    models = [FactorModel.load(registry.path(train(Job("als", home)).version) / MODEL_FILE) for _ in range(2)]
    assert np.array_equal(models[0].item_factors, models[1].item_factors)


def test_until_and_window_bound_what_is_trained_on(home: Home) -> None:
    until = datetime(2000, 1, 1, tzinfo=UTC)
    data = prepare(Job("als", home, until=until, window=timedelta(days=365)))
    assert data.ratings.timestamp.max() < np.datetime64("2000-01-01")
    assert data.train.timestamp.min() >= np.datetime64("1999-01-01")
    assert data.known.timestamp.min() < np.datetime64("1999-01-01")
    whole = prepare(Job("als", home, until=until))
    assert np.array_equal(data.held_out.item_id, whole.held_out.item_id)
    assert np.array_equal(whole.train.item_id, whole.known.item_id)


def test_auto_select_prints_what_it_tried_and_keeps_the_best(home: Home) -> None:
    lines: list[str] = []
    result = train(Job("als", home, until=datetime(1997, 1, 1, tzinfo=UTC), auto_select=True), lines.append)
    assert len(lines) == 9
    assert lines[-1].startswith("selected factors=")
    values = [float(re.findall(r"ndcg@10=([\d.]+)", line)[0]) for line in lines]
    assert values[-1] == max(values[:-1])
    parameters = ModelRegistry(home.artifacts("als")).manifest(result.version).parameters
    assert f"regularization={parameters['regularization']:g}" in lines[-1]


def test_a_training_without_ratings_is_a_failed_run(home: Home) -> None:
    metrics = CollectorRegistry()
    with pytest.raises(TrainingError, match="no rating before 1990"):
        train(Job("als", home, until=datetime(1990, 1, 1, tzinfo=UTC), registry=metrics))
    assert metrics.get_sample_value("training_runs_total", {"model": "als", "status": "failed"}) == 1
    assert [row["status"] for row in rows(home, "SELECT status FROM training_runs")] == ["failed"]
    assert ModelRegistry(home.artifacts("als")).versions() == []


def test_a_damaged_batch_stops_a_training_with_its_name(home: Home) -> None:
    home.interactions.mkdir(parents=True)
    (home.interactions / "bad.parquet").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"bad\.parquet"):
        train(Job("als", home))


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
def test_a_training_ended_by_sigterm_is_a_failed_run(home: Home, arguments: list[str]) -> None:
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
