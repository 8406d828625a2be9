"""What makes a check fail. Each message says what to do next.

RecwatchError
└── CheckError              a check cannot say anything; `reason` is the label of drift_check_failures_total
    ├── SourceError         data cannot be read, or is not what the check asks for
    ├── StatisticError      data was read, but the statistic is not defined on it
    ├── CheckTimeoutError   the check took longer than its `timeout`
    ├── CheckMemoryError    the check took more than its `memory`
    ├── CheckCrashedError   the process in which the check ran ended by itself
    └── CheckCancelledError the exporter stops; nobody is told
"""

from typing import ClassVar

from recwatch.errors import RecwatchError


class CheckError(RecwatchError):
    """A check cannot say anything; its last values stay."""

    reason: ClassVar[str] = "internal"


class SourceError(CheckError):
    """Data cannot be read, or is not what the check asks for."""

    reason = "source"


class StatisticError(CheckError):
    """Data was read, but the statistic is not defined on it."""

    reason = "statistic"


class CheckTimeoutError(CheckError):
    """The check took longer than its `timeout`."""

    reason = "timeout"


class CheckMemoryError(CheckError):
    """The check took more than its `memory`, or more than there was."""

    reason = "memory"


class CheckCrashedError(CheckError):
    """The process in which the check ran ended by itself, such as by a fault in a library."""

    reason = "crashed"


class CheckCancelledError(CheckError):
    """The exporter stops, so the check does."""

    reason = "cancelled"


REASONS = ("source", "statistic", "timeout", "memory", "crashed", "internal")
"""Every value of the label `reason`; `internal` is a mistake of ours, with a traceback in the log."""
