"""What a run leaves in its registry, its log and the store."""

import json
import logging
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from recwatch.pipeline import PipelineRun
from recwatch.pipeline.stages import MOST
from recwatch.store import open_store

Build = Callable[..., PipelineRun]
Dropped = Callable[[str, str], float | None]


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"pipeline_{name}", {"pipeline": "titles", **labels})


def test_a_run_that_goes_well(
    build: Build, registry: CollectorRegistry, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "recwatch.pipeline")
    run = build(registry=registry, store_url=store_url)
    assert (run.status, run.error) == ("completed", None)
    assert value(registry, "runs_total", status="completed") == 1
    assert value(registry, "runs_total", status="failed") == 0
    assert value(registry, "in_progress") == 0
    assert value(registry, "last_success_timestamp_seconds")
    assert value(registry, "last_failure_timestamp_seconds") is None
    for stage in ("read", "encode"):
        seconds = value(registry, "stage_duration_seconds", stage=stage)
        assert seconds is not None
        assert 0 <= seconds < 60
    with open_store(store_url) as store:
        (row,) = store.pipeline_runs("titles")
        assert store.pipeline_run_counts("titles") == {"completed": 1}
    assert row.pop("started_at") <= row.pop("finished_at")
    stages = json.loads(row.pop("stages"))
    assert [(stage["stage"], stage["status"]) for stage in stages] == [
        ("read", "completed"),
        ("encode", "completed"),
    ]
    assert row == {"id": run.run_id, "pipeline": "titles", "status": "completed", "error": None}
    said = [record.getMessage().partition(" | ")[0] for record in caplog.records]
    assert said == ["Pipeline started", "Stage completed", "Stage completed", "Pipeline completed"]


def test_a_run_that_fails_says_in_which_stage(
    build: Build, registry: CollectorRegistry, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = build(fail=True, registry=registry, store_url=store_url)
    assert run.status == "failed"
    assert value(registry, "runs_total", status="failed") == 1
    assert value(registry, "last_failure_timestamp_seconds")
    assert value(registry, "last_success_timestamp_seconds") is None
    assert value(registry, "stage_duration_seconds", stage="encode") is None  # it was not completed
    with open_store(store_url) as store:
        (row,) = store.pipeline_runs()
    assert (row["status"], row["error"]) == ("failed", "Unreadable: titles.csv")
    assert [stage["status"] for stage in json.loads(row["stages"])] == ["completed", "failed"]
    assert 'Pipeline failed | pipeline=titles, error="Unreadable: titles.csv"' in caplog.text


def test_the_row_is_there_while_it_runs_and_names_the_stage(store_url: str) -> None:
    with PipelineRun("titles", store_url=store_url, registry=CollectorRegistry()) as run, run.stage("encode"):
        writer = run._effects._writer
        assert writer is not None
        assert writer.call(lambda: None, timeout=30)  # what was told until now is written
        with open_store(store_url) as store:
            (row,) = store.pipeline_runs("titles")
    assert (row["status"], row["finished_at"]) == ("running", None)
    assert [(stage["stage"], stage["status"]) for stage in json.loads(row["stages"])] == [
        ("encode", "running")
    ]


def test_counts_grow_over_processes(build: Build, store_url: str) -> None:
    counts = []
    for fail in (False, True, False):
        registry = CollectorRegistry()  # as a process has
        build(registry=registry, store_url=store_url, fail=fail)
        counts.append([value(registry, "runs_total", status=name) for name in ("completed", "failed")])
    build("others", store_url=store_url)
    assert counts == [[1, 0], [1, 1], [2, 1]]


def test_a_stage_before_the_start_or_after_the_end_is_done_and_not_counted(
    registry: CollectorRegistry, dropped: Dropped, caplog: pytest.LogCaptureFixture
) -> None:
    run, done = PipelineRun("titles", registry=registry), []
    with run.stage("early"):
        done.append("early")
    with run:
        pass
    with run.stage("late"):
        done.append("late")
    assert done == ["early", "late"]
    assert dropped("pipelines", "closed") == 2
    assert value(registry, "stage_duration_seconds", stage="late") is None
    assert "which has not started: use it in a `with` block" in caplog.text


def test_names_of_stages_that_are_made_of_data_come_to_an_end(
    registry: CollectorRegistry, dropped: Dropped
) -> None:
    with PipelineRun("titles", registry=registry) as run:
        for number in range(MOST + 3):
            with run.stage(f"user_{number}"):
                pass
    assert dropped("pipelines", "stages") == 3
    assert value(registry, "stage_duration_seconds", stage=f"user_{MOST}") is None
