"""One run of one data pipeline, watched from its start to its end."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch import logs
from recwatch.metrics import DroppedWrites, PipelineMetrics
from recwatch.pipeline.effects import PIPELINES, Effects
from recwatch.pipeline.stages import MOST, Stages
from recwatch.runs.run import Ended, Run
from recwatch.runs.texts import storable

__all__ = ["PipelineRun"]

_LOGGER = logging.getLogger("recwatch.pipeline")


class PipelineRun(Run):
    """One run of a pipeline: leaving the block well is `completed`, an exception makes it `failed`.

    SystemExit and KeyboardInterrupt are exceptions too. Without a block: `start`, then `finish` or `fail`. A
    process that ends without them leaves a failed run; one that is killed leaves a row that says `running`.

    No method raises or waits long for what it writes to: what cannot be written is counted in
    `recwatch_dropped_writes_total` and logged. In a forked child the run's methods do nothing.

    Args:
        pipeline: its name, such as `titles`; the label `pipeline`.
        push: where metrics stay when the process is gone: `host:port` or the URL of a Pushgateway, or
            `textfile:/folder` of the node exporter.
        store_url: the store of `pipeline_runs` (extra `store`); None keeps no row, and counters begin at 0.
        registry: where the metrics are kept.

    Attributes:
        pipeline: as given.
        run_id: the run's name.
        status: `new`, `running`, `completed` or `failed`.
        error: what it failed of; None otherwise.
    """

    _metrics: PipelineMetrics
    _effects: Effects

    def __init__(
        self,
        pipeline: str,
        *,
        push: str | None = None,
        store_url: str | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.pipeline = storable(str(pipeline))
        now = datetime.now(UTC)
        self._stages = Stages()
        row = {
            "id": f"{self.pipeline}_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}",
            "pipeline": self.pipeline,
            "started_at": now,
            "status": "running",
            "stages": self._stages.as_json(),
        }
        super().__init__(
            self.pipeline,
            PIPELINES,
            metrics=PipelineMetrics.of(registry),
            dropped=DroppedWrites.of(registry),
            effects=Effects(self.pipeline, row, store_url=store_url, push=push, registry=registry),
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens in the block is this stage: timed, and failed where the block raises.

        Args:
            name: one of a few that the code knows, never made of data: it is the label `stage`. A stage that
                is entered again, as in a loop, takes the sum of its times.
        """
        began = perf_counter()
        with self.guarded():
            self._begin_stage(storable(str(name)))
        try:
            yield
        except BaseException:
            with self.guarded():
                self._end_stage(storable(str(name)), perf_counter() - began, "failed")
            raise
        with self.guarded():
            self._end_stage(storable(str(name)), perf_counter() - began, "completed")

    def _tell_start(self) -> None:
        with self.guarded():
            self._dropped.expect(PIPELINES.job, "stages")
            _LOGGER.info(logs.event("Pipeline started", pipeline=self.pipeline, run_id=self.run_id))

    def _tell_end(self, status: Ended, error: str | None, seconds: float) -> None:
        self._effects.count_end(status)
        total = f"{seconds:.1f}s"
        if error is None:
            _LOGGER.info(logs.event("Pipeline completed", pipeline=self.pipeline, total_time=total))
        else:
            _LOGGER.error(
                logs.event("Pipeline failed", pipeline=self.pipeline, error=error, total_time=total)
            )

    def _begin_stage(self, name: str) -> None:
        if not self.is_open:
            self._ignore(f"stage {name}")
        elif self._stages.begin(name):
            self._effects.update(stages=self._stages.as_json())
        else:
            self._dropped.drop(
                PIPELINES.job, "stages", f"{name}: a run has at most {MOST} stages; make no name of data"
            )

    def _end_stage(self, name: str, seconds: float, status: Ended) -> None:
        if not self.is_open:
            return
        total = self._stages.end(name, seconds, status)
        if total is None:
            return
        if status == "completed":
            self._metrics.stage_duration.labels(self.pipeline, name).set(total)
        _LOGGER.info(
            logs.event(f"Stage {status}", pipeline=self.pipeline, stage=name, time=f"{seconds:.1f}s")
        )
        self._effects.update(stages=self._stages.as_json())
