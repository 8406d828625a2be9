"""What every launcher does, so that the rest of the bridge need not know how a trainer runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Handle = dict[str, Any]
"""What a launcher needs to find its process again after a restart of the bridge; plain data, kept as JSON."""


@dataclass(frozen=True)
class Order:
    """A run, as a launcher sees it.

    Attributes:
        run_id: unique; the trainer finds it in RECWATCH_RUN_ID.
        model: the model's name.
        reason: one line of plain text.
        folder: the run's own folder.
    """

    run_id: str
    model: str
    reason: str
    folder: Path

    @property
    def result(self) -> Path:
        """The file that the trainer is to write."""
        return self.folder / "result.json"

    @property
    def log(self) -> Path:
        """What the trainer printed."""
        return self.folder / "trainer.log"


@dataclass(frozen=True)
class Running:
    """The trainer is at work, or nobody can tell that it is not.

    Attributes:
        handle: what to remember it by from now on; to be stored where it differs from the one before.
        log_url: where a person can read on, an address of http or https; None where there is none (yet).
    """

    handle: Handle
    log_url: str | None = None


@dataclass(frozen=True)
class Ended:
    """The trainer is not at work any more.

    Attributes:
        exit_code: of the process; 0 for a remote run that succeeded, whose result is in the result file by
            then; None where it cannot be known.
        error: why the run has failed, one line for people; None where exit code and result file decide.
        log_url: as in `Running`.
    """

    exit_code: int | None
    error: str | None = None
    log_url: str | None = None


@dataclass(frozen=True)
class NotStarted:
    """The trainer was not started, for certain: whoever asked may launch it."""


class LaunchError(Exception):
    """A trainer could not be started, for certain; the message says why.

    Attributes:
        retry_after: seconds until another try is worth it, such as after an outage; None where it is not.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Launcher(Protocol):
    """Starts, watches and stops trainers. Only one thread at a time asks a launcher about the same run."""

    @property
    def poll(self) -> float:
        """Seconds to wait between two looks."""

    def launch(self, order: Order) -> Handle:
        """Start the trainer.

        Where nobody knows whether it started (a connection that broke in the middle), the handle says so and
        `look` finds out; it is never started again.

        Raises:
            LaunchError: when it certainly did not start.
        """

    def look(self, order: Order, handle: Handle | None) -> Running | Ended | NotStarted:
        """See how a trainer fares; what cannot be reached is taken to be running.

        Without a handle (the bridge died while it launched) the launcher looks for the run by its id; it
        never starts it again. `NotStarted` answers only that.
        """

    def stop(self, order: Order, handle: Handle) -> str | None:
        """Stop the trainer with everything that it started.

        Returns:
            None when it is gone or was told to end, otherwise why it could not be stopped, for people.
        """
