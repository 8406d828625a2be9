"""What a family of check types does: freeze the reference, hold the current window against it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recwatch_exporter.checks.base import Frozen, Measurement
from recwatch_exporter.config import Check
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.window import Window


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one check.

    Attributes:
        now: the clock's time, aware.
        deadline: `check()` now and then: it raises when the time is over.
    """

    now: datetime
    deadline: Deadline


class Family(Protocol):
    """Check types that need the same of the data."""

    def features(self, check: Check, current: Window) -> tuple[str, ...]:
        """What the check finds something about, each with a finding of its own: the label `feature`."""
        ...

    def freeze(self, check: Check, feature: str, reference: Window, run: Run) -> Frozen:
        """What the check needs of the reference, and all that it needs of it.

        Raises:
            SourceError: when the data cannot be read or is not what the check asks for.
            StatisticError: when nothing can be compared with such a reference.
        """
        ...

    def measure(
        self,
        check: Check,
        feature: str,
        frozen: Frozen,
        current: Window,
        *,
        run: Run,
        reference: Window | None,
    ) -> Measurement:
        """Hold the current window against what was kept.

        Args:
            check: with its type's own keys (`checks.base.Options`) among its attributes.
            feature: which of `features`.
            frozen: what `freeze` gave, now or when the profile was made; empty where the type needs none.
            current: the current window.
            run: the time, and how much of it there is.
            reference: the reference window where it is at hand; None where a profile stands in for it. It may
                make a figure more exact.
        """
        ...
