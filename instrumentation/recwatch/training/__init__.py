"""Watch a training: log lines, rows in the store, metrics while it runs, and where they stay when it is over.

    with TrainingRun("als", parameters={"factors": 64}, store_url="sqlite:///data/store.db") as run:
        for number in range(1, 16):
            loss = model.step()
            run.iteration(number, 15, loss=loss)
        run.evaluation({"recall@10": 0.234}, baseline={"recall@10": 0.101})
        run.saved(folder)

Where a block does not fit, as in a notebook: `run = start_run("als", ...)`, then `run.finish()` or
`run.fail(error)`.

Whatever happens to the watching (a store that is locked, a Pushgateway that is down, a full disk), the
training goes on: it costs a log line and a count in `recwatch_dropped_writes_total`.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.training.lifecycle import Unfinished
from recwatch.training.liveness import LOST_AFTER
from recwatch.training.recovery import LostRun, recover_lost_runs
from recwatch.training.run import TrainingRun, Unit

__all__ = ["LOST_AFTER", "LostRun", "TrainingRun", "Unfinished", "Unit", "recover_lost_runs", "start_run"]


def start_run(
    model: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    artifacts: Path | None = None,
    store_url: str | None = None,
    log_dir: Path | str | None = None,
    push: str | None = None,
    serve_metrics: int | str | None = None,
    run_id: str | None = None,
    data_version: str | None = None,
    data_timestamp: datetime | None = None,
    unit: Unit | None = None,
    commit: str | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> TrainingRun:
    """Begin a run; the arguments are those of `TrainingRun`. End it with `finish` or `fail`.

    Returns:
        The run, which has begun.
    """
    return TrainingRun(
        model,
        parameters=parameters,
        artifacts=artifacts,
        store_url=store_url,
        log_dir=log_dir,
        push=push,
        serve_metrics=serve_metrics,
        run_id=run_id,
        data_version=data_version,
        data_timestamp=data_timestamp,
        unit=unit,
        commit=commit,
        registry=registry,
    ).start()
