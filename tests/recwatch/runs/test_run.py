"""What holds of every kind of run, however it begins and ends."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.pipeline import PipelineRun
from recwatch.runs.run import Run
from recwatch.store import open_store
from recwatch.training import TrainingRun

Dropped = Callable[[str, str], float | None]
Kind = Callable[..., Run]


@pytest.fixture(params=[PipelineRun, TrainingRun])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Makes a run that is called `x`."""

    def make(**options: Any) -> Run:
        return request.param("x", **options)  # type: ignore[no-any-return]

    return make


def shown(registry: CollectorRegistry, run: Run, name: str, **labels: str) -> float | None:
    prefix, label = ("pipeline", "pipeline") if isinstance(run, PipelineRun) else ("training", "model")
    return registry.get_sample_value(f"{prefix}_{name}", {label: "x", **labels})


def kept(run: Run, store_url: str) -> tuple[Any, Any]:
    with open_store(store_url) as store:
        (row,) = store.pipeline_runs() if isinstance(run, PipelineRun) else store.runs()
    return row["status"], row["error"]


def test_only_the_first_end_counts(kind: Kind, registry: CollectorRegistry, store_url: str) -> None:
    run = kind(store_url=store_url, registry=registry).start().start()
    run.fail("no data")
    run.finish()
    run.fail("again")
    assert (run.status, str(run.error)) == ("failed", "no data")
    assert kept(run, store_url) == ("failed", "RuntimeError: no data")
    counts = [shown(registry, run, "runs_total", status=status) for status in ("completed", "failed")]
    assert counts == [0, 1]
    assert shown(registry, run, "in_progress") == 0
    assert shown(registry, run, "last_failure_timestamp_seconds")
    assert shown(registry, run, "last_success_timestamp_seconds") is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_ctrl_c_and_exits_are_failures(kind: Kind, registry: CollectorRegistry, error: BaseException) -> None:
    run = kind(registry=registry)
    with pytest.raises(type(error)), run:
        raise error
    assert (run.status, run.error) == ("failed", error)


def test_ctrl_c_at_the_start_leaves_a_failed_run(
    kind: Kind, registry: CollectorRegistry, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No block is entered then, so nobody else ends the run."""
    run = kind(store_url=store_url, registry=registry)
    started = run._effects.start

    def start() -> None:
        started()
        raise KeyboardInterrupt

    monkeypatch.setattr(run._effects, "start", start)
    with pytest.raises(KeyboardInterrupt), run:
        pytest.fail("the block was entered")
    assert run.status == "failed"
    assert kept(run, store_url) == ("failed", "KeyboardInterrupt")
    assert shown(registry, run, "in_progress") == 0


def test_ctrl_c_while_the_end_is_written_ends_the_run_all_the_same(
    kind: Kind, registry: CollectorRegistry, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = kind(store_url=store_url, registry=registry).start()
    end, told = run._effects.end, list[str]()

    def interrupted(status: Any, error: str | None) -> None:
        told.append(status)
        if len(told) == 1:
            raise KeyboardInterrupt
        end(status, error)

    monkeypatch.setattr(run._effects, "end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    assert told == ["completed"] * 2
    assert kept(run, store_url) == ("completed", None)


def test_what_goes_wrong_in_telling_costs_a_count_and_the_run_ends(
    kind: Kind,
    registry: CollectorRegistry,
    store_url: str,
    dropped: Dropped,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = kind(store_url=store_url, registry=registry).start()

    def fail(*_: object) -> None:
        raise ValueError("no words")

    monkeypatch.setattr(run, "_tell_end", fail)
    run.finish()
    assert kept(run, store_url) == ("completed", None)
    assert dropped(run._kind.job, "error") == 1


def test_a_forked_child_leaves_the_run_to_its_parent(
    kind: Kind, registry: CollectorRegistry, store_url: str
) -> None:
    with kind(registry=registry, store_url=store_url) as run:
        run._process = os.getpid() + 1  # as the child sees it
        run.finish()
        assert run.status == "running"
        run._process = os.getpid()
    assert shown(registry, run, "runs_total", status="completed") == 1


ABANDONED = """
import sys
from {module} import {name}

{name}("x", store_url=sys.argv[1]).start()
"""


@pytest.mark.parametrize("run", [PipelineRun, TrainingRun])
def test_a_run_that_nobody_ended_is_failed_when_the_process_ends(run: type[Run], store_url: str) -> None:
    code = ABANDONED.format(module=run.__module__, name=run.__name__)
    subprocess.run([sys.executable, "-c", code, store_url], check=True, timeout=60)
    with open_store(store_url) as store:
        (row,) = store.pipeline_runs() if run is PipelineRun else store.runs()
    assert row["status"] == "failed"
    assert row["error"].startswith("Unfinished: the process ended")
