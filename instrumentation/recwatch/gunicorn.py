"""Hooks for gunicorn with several workers: `gunicorn -c python:recwatch.gunicorn app:app`.

With a configuration file of your own, import the two hooks into it:

from recwatch.gunicorn import child_exit, on_starting

Both need `PROMETHEUS_MULTIPROC_DIR`, set in gunicorn's own environment; without it they do nothing.
"""

from recwatch.multiprocess import clear, fold, folder

__all__ = ["child_exit", "on_starting"]


def on_starting(server: object) -> None:  # noqa: ARG001 - gunicorn's signature
    """Before the first worker: what an earlier run left in the folder goes."""
    if (path := folder()) is not None:
        clear(path)


def child_exit(server: object, worker: object) -> None:  # noqa: ARG001 - gunicorn's signature
    """After a worker ended, however it ended: its counts stay, its live gauges go."""
    if (path := folder()) is not None:
        fold(path)
