"""The exporter: configuration, state, pool, schedule and watcher, held together."""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from recwatch.config import load_config
from recwatch.errors import ConfigError, RecwatchError
from recwatch.logs import event
from recwatch_exporter.cautions import cautions
from recwatch_exporter.config import Check, Config
from recwatch_exporter.errors import CheckCancelledError, CheckError
from recwatch_exporter.metrics import ReloadStatus
from recwatch_exporter.process import jobs
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.pool import Runner
from recwatch_exporter.process.report_log import log_result
from recwatch_exporter.process.state import State
from recwatch_exporter.process.storage import Storage
from recwatch_exporter.process.watcher import PromotionWatcher
from recwatch_exporter.process.workers import WorkerError, WorkerPool
from recwatch_exporter.results import CheckResult

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 5.0


class ReloadBusyError(RecwatchError):
    """A reload is going on, and does not end."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Exporter:
    """Runs the checks of a configuration file, on their schedules and at every promotion.

    Args:
        path: drift.yml.
        clock: the time, aware.
        workers: how many checks run at the same time.
        run: runs one check, as `run_check` does; by default in a worker process.
        storage: where results are kept while the exporter is down; None keeps them nowhere.

    Raises:
        ConfigError: when the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime] = _utc_now,
        workers: int = 2,
        run: Callable[..., CheckResult] | None = None,
        storage: Storage | None = None,
    ) -> None:
        self.path = path
        self.state = State()
        self.reload_status = ReloadStatus()
        self.config = load_config(path, Config)
        self.storage = storage
        self._clock = clock
        overflow = None if storage is None else storage.path.parent / "overflow"
        self._workers = WorkerPool(jobs.__name__, jobs.MODULE, folder=overflow)
        self._run_check = run or jobs.Remote(self._workers).run
        self._runner = Runner(self._execute, self._timeout_of, workers=workers)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._watcher = PromotionWatcher(self._promoted)
        self._reloading = threading.Lock()

    def start(self) -> None:
        """Publish what was kept, run every check now, and then on its schedule."""
        self._runner.start()
        self.state.configure(self.config.checks)
        if self.storage is not None:
            self.state.restore(self.storage.load())
        self._apply(self.config, first=True)
        self._scheduler.start()

    def stop(self) -> None:
        """Stop at once: running checks are killed, and say nothing."""
        self._watcher.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        self._runner.stop()
        self._workers.close()
        if self.storage is not None:
            self.storage.close()

    def reload(self) -> None:
        """Read the configuration again; checks that are new or changed run at once.

        Raises:
            ConfigError: when the file cannot be used; the old configuration stays.
            ReloadBusyError: when another reload has not ended, as where the file's system hangs.
        """
        if not self._reloading.acquire(timeout=_PATIENCE_SECONDS):
            raise ReloadBusyError("another reload has not ended: see the file system of the configuration")
        try:
            config = self._load_again()
            if config.listen != self.config.listen:
                _LOG.warning(event("Restart to listen elsewhere", new=config.listen))
            self._apply(config)
            _LOG.info(event("Configuration reloaded", file=self.path, checks=len(config.checks)))
        except ConfigError as error:
            self.reload_status.successful = False
            _LOG.error("Reload failed, the old configuration stays | error=%s", error)
            raise
        finally:
            self._reloading.release()

    def run(self, name: str) -> bool:
        """Run a check as soon as a thread is free; False when there is none of that name."""
        if self.state.get(name) is None:
            return False
        self._runner.submit(name)
        return True

    def next_run(self, name: str) -> float | None:
        """Unix time of a check's next run on its schedule; None where there is none."""
        job = self._scheduler.get_job(name)
        following = None if job is None else getattr(job, "next_run_time", None)
        return None if following is None else float(following.timestamp())

    def _load_again(self) -> Config:
        try:
            return load_config(self.path, Config)
        except ConfigError:
            raise
        except Exception as error:
            # A mistake of ours, which must not pass for a configuration that is in use.
            _LOG.exception("Traceback of the reload")
            raise ConfigError(f"{self.path}: cannot be used: {error!r:.200}") from error

    def _apply(self, config: Config, *, first: bool = False) -> None:
        self.config = config
        self._watcher.watch({folder for check in config.checks for folder in check.folders})
        changed = self.state.configure(config.checks)
        names = {check.name for check in config.checks}
        if self.storage is not None:
            self.storage.forget_others(names)
        for job in self._scheduler.get_jobs():
            if job.id not in names:
                job.remove()
        for check in config.checks:
            if first or check.name in changed:
                self._scheduler.add_job(
                    self._runner.submit,
                    check.schedule.trigger(),
                    args=(check.name,),
                    id=check.name,
                    replace_existing=True,
                    coalesce=True,
                    misfire_grace_time=None,
                )
                self._runner.submit(check.name)
        for caution in cautions(config.checks):
            _LOG.warning(event("Configuration may mislead", caution=caution))
        self.reload_status.successful = True
        self.reload_status.succeeded_at = self._clock().timestamp()

    def _promoted(self, folder: Path) -> None:
        for state in self.state.all():
            if folder in state.check.folders:
                self._runner.submit(state.check.name)

    def _timeout_of(self, name: str) -> timedelta | None:
        state = self.state.get(name)
        return None if state is None else state.check.timeout

    def _execute(self, name: str, deadline: Deadline) -> None:
        state = self.state.get(name)
        if state is None:
            return
        check, started = state.check, time.perf_counter()
        now = self._clock()
        try:
            result = self._run_check(check, now=now, deadline=deadline)
        except CheckCancelledError:
            return
        except CheckError as error:
            self._failed(check, error.reason, str(error), started)
        except Exception as error:  # noqa: BLE001 - counted and logged
            # A mistake of ours in one check must not take its neighbours with it.
            self._failed(
                check, "internal", str(error) if isinstance(error, WorkerError) else repr(error), started
            )
            trace = error.trace if isinstance(error, WorkerError) else traceback.format_exc()
            _LOG.error("Traceback of check %s\n%s", name, trace)
        else:
            duration = time.perf_counter() - started
            if self.state.succeeded(check, result, at=self._clock().timestamp(), duration=duration):
                log_result(check, result, duration)
                self._keep(name)

    def _failed(self, check: Check, reason: str, message: str, started: float) -> None:
        if self.state.failed(check, reason, message, duration=time.perf_counter() - started):
            _LOG.error(event("Check failed", check=check.name, reason=reason, error=message))
            self._keep(check.name)

    def _keep(self, name: str) -> None:
        kept = None if self.storage is None else self.state.kept(name)
        if self.storage is not None and kept is not None:
            self.storage.save(name, kept)
