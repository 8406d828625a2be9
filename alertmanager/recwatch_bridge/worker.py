"""A thread that works step by step until it is stopped; what deliveries and retrainings have in common."""

import logging
import threading
from abc import ABC, abstractmethod

from recwatch_bridge.metrics import BridgeMetrics

IDLE = 5.0
"""Seconds after which a worker looks even if nobody woke it: another process may have left it work."""
PAUSE = 1.0
"""Seconds between two tries of a step that failed."""

log = logging.getLogger(__name__)


class Worker(threading.Thread, ABC):
    """Repeats `step`; a step that fails is counted, logged and tried again.

    Args:
        name: of the thread, and the label under which its failures are counted.
        metrics: where it counts.
    """

    def __init__(self, name: str, metrics: BridgeMetrics) -> None:
        super().__init__(name=name, daemon=True)
        self._metrics = metrics
        self._work = threading.Event()
        self._stopped = threading.Event()

    @abstractmethod
    def step(self) -> float:
        """Do one thing; returns how long to wait before the next step, in seconds."""

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._work.set()

    def stop(self) -> None:
        """Ask the thread to end after the step that it is at; join it afterwards."""
        self._stopped.set()
        self._work.set()

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopped.is_set():
            self._work.clear()
            try:
                pause = self.step()
            except Exception:
                # Nothing is lost: what the step did not store is done again. The database may come back.
                self._metrics.worker_errors.labels(self.name).inc()
                log.exception("%s: a step failed; trying again", self.name)
                pause = PAUSE
            if pause > 0:
                self._work.wait(pause)
