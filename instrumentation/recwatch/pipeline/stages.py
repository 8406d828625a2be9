"""The stages of a run: what each took, in the order in which they began."""

import json
import threading
from typing import Literal

__all__ = ["MOST", "Stages", "Status"]

Status = Literal["running", "completed", "failed"]

MOST = 100
"""Names of stages that a run may have: each is a label, so none may be made of data."""


class Stages:
    """Adds up the times of stages by name. Safe to use from several threads.

    A stage that is entered again, as in a loop, takes the sum; it has failed where it failed last.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._status: dict[str, Status] = {}
        self._lock = threading.Lock()

    def begin(self, name: str) -> bool:
        """A stage begins; whether there is room for its name."""
        with self._lock:
            if name not in self._status and len(self._status) >= MOST:
                return False
            self._seconds.setdefault(name, 0.0)
            self._status[name] = "running"
            return True

    def end(self, name: str, seconds: float, status: Status) -> float | None:
        """A stage ends; what it took so far, in seconds, or None where there was no room for it."""
        with self._lock:
            if name not in self._status:
                return None
            self._seconds[name] += seconds
            self._status[name] = status
            return self._seconds[name]

    def as_json(self) -> str:
        """`[{"stage": "encode", "seconds": 1.25, "status": "completed"}]`."""
        with self._lock:
            rows = [
                {"stage": name, "seconds": round(self._seconds[name], 3), "status": status}
                for name, status in self._status.items()
            ]
        return json.dumps(rows, ensure_ascii=False)
