"""Hooks for gunicorn with several workers: `gunicorn -c python:recwatch.gunicorn app:app`.

With a configuration file of your own, import the two hooks into it:

from recwatch.gunicorn import child_exit, on_starting

Both need `PROMETHEUS_MULTIPROC_DIR`, set in gunicorn's own environment; without it they do nothing, but warn
where there are several workers.
"""

from typing import Any

from recwatch.multiprocess import clear, fold, folder

__all__ = ["child_exit", "on_starting"]


def on_starting(server: Any) -> None:
    """Before the first worker: what an earlier run left in the folder goes.

    Args:
        server: gunicorn's arbiter.
    """
    if (path := folder()) is not None:
        clear(path)
    elif server.cfg.workers > 1:
        server.log.warning(
            "%d workers, each of which shows its own counts alone: set PROMETHEUS_MULTIPROC_DIR to a folder",
            server.cfg.workers,
        )


def child_exit(server: object, worker: object) -> None:  # noqa: ARG001 - gunicorn's signature
    """After a worker ended, however it ended: its counts stay, its live gauges go."""
    if (path := folder()) is not None:
        fold(path)
