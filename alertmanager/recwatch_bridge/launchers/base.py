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
    """The trainer is at work; `handle` is what to remember it by."""

    handle: Handle


@dataclass(frozen=True)
class Ended:
    """The trainer is not at work any more; `exit_code` is None where it cannot be known."""

    exit_code: int | None


class LaunchError(Exception):
    """A trainer could not be started; the message says why."""


class Launcher(Protocol):
    """Starts, watches and stops trainers."""

    def launch(self, order: Order) -> Handle:
        """Start the trainer.

        Raises:
            LaunchError: when it did not start.
        """

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        """See how a trainer fares.

        Without a handle (the bridge died while it launched) the launcher looks for the run by its id; it
        never starts it again.
        """

    def stop(self, order: Order, handle: Handle) -> None:
        """Stop the trainer with everything that it started; returns when it is gone."""
