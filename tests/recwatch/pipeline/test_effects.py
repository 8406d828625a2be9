"""What is published of a pipeline, and what mishaps cost: a count and a log line, never the pipeline."""

import socket
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from recwatch.pipeline import PipelineRun
from recwatch.store import open_store
from recwatch.testing import free_port

Build = Callable[..., PipelineRun]
Figures = dict[tuple[str, ...], float]
Dropped = Callable[[str, str], float | None]


def test_a_real_pushgateway_over_several_runs(
    build: Build, pushed: Callable[[str], Figures], pushgateway: str, store_url: str
) -> None:
    pipeline, history = f"titles-{uuid.uuid4().hex}", []
    for fail in (False, True, False):
        build(pipeline, fail=fail, push=pushgateway, store_url=store_url)
        history.append(pushed(pipeline))
    counts = [[at["pipeline_runs_total", status] for status in ("completed", "failed")] for at in history]
    assert counts == [[1, 0], [1, 1], [2, 1]]
    success = [at["pipeline_last_success_timestamp_seconds",] for at in history]
    assert success[0] == success[1] < success[2]
    assert ("pipeline_last_failure_timestamp_seconds",) not in history[0]
    for at in history:  # a failed run leaves the times of the last good one
        assert ("pipeline_stage_duration_seconds", "encode") in at
        assert at["pipeline_in_progress",] == 0
    encode = [at["pipeline_stage_duration_seconds", "encode"] for at in history]
    assert encode[0] == encode[1]


def test_a_run_under_way_is_seen_at_the_pushgateway(
    pushed: Callable[[str], Figures], pushgateway: str, store_url: str
) -> None:
    pipeline = f"titles-{uuid.uuid4().hex}"
    with PipelineRun(pipeline, push=pushgateway, store_url=store_url, registry=CollectorRegistry()):
        ours = {key: value for key, value in pushed(pipeline).items() if not key[0].startswith("push_")}
    expected: Figures = {("pipeline_in_progress",): 1.0}
    expected.update({("pipeline_runs_total", status): 0.0 for status in ("completed", "failed")})
    assert ours == expected
    assert pushed(pipeline)["pipeline_in_progress",] == 0


def test_a_textfile_names_the_pipeline(build: Build, tmp_path: Path) -> None:
    build(push=f"textfile:{tmp_path}")
    text = (tmp_path / "recwatch_pipelines_titles.prom").read_text(encoding="utf-8")
    assert 'pipeline_runs_total{pipeline="titles",status="completed"} 1.0' in text


def test_a_pushgateway_that_is_down_costs_a_count(
    build: Build, registry: CollectorRegistry, dropped: Dropped
) -> None:
    assert build(registry=registry, push=f"127.0.0.1:{free_port()}").status == "completed"
    assert dropped("pushgateway", "unreachable") == 2


def test_a_pushgateway_that_does_not_answer_is_not_waited_for_again(
    build: Build, registry: CollectorRegistry, dropped: Dropped
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        build(registry=registry, push=f"127.0.0.1:{silent.getsockname()[1]}")
    assert dropped("pushgateway", "timeout") == 2


def test_a_store_that_cannot_be_opened_costs_a_count(
    build: Build,
    registry: CollectorRegistry,
    dropped: Dropped,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("in the way")
    run = build(registry=registry, store_url=f"sqlite:///{tmp_path}/file/store.db")
    assert run.status == "completed"
    assert dropped("store", "unavailable") == 1
    assert "Store not written yet" in caplog.text


def test_a_store_that_is_free_again_at_the_end_has_the_row(
    registry: CollectorRegistry, dropped: Dropped, store_url: str, tmp_path: Path
) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    with PipelineRun("titles", store_url=store_url, registry=registry) as run:
        other.close()
    with open_store(store_url) as store:
        assert [(row["id"], row["status"]) for row in store.pipeline_runs()] == [(run.run_id, "completed")]
    assert dropped("store", "locked") == 0


def test_a_watch_that_breaks_does_not_break_the_pipeline(
    registry: CollectorRegistry, dropped: Dropped
) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    done = []
    with PipelineRun("titles", registry=registry) as run, run.stage(Mute()):  # type: ignore[arg-type]
        done.append("work")
    assert (run.status, done) == ("completed", ["work"])
    assert dropped("pipelines", "error") == 2
