"""The errors of the local stack. Each message says what to do next.

LocalError
├── ToolsMissingError   Prometheus or one of its companions is neither on PATH nor can it be unpacked
├── PortTakenError      somebody else listens where a part of the stack should
└── StackError          a part of the stack did not start, or ended by itself
"""

from recwatch.errors import RecwatchError


class LocalError(RecwatchError):
    """Root of what the local stack raises on purpose."""


class ToolsMissingError(LocalError):
    """Prometheus or one of its companions is neither on PATH nor can it be unpacked."""


class PortTakenError(LocalError):
    """Somebody else listens where a part of the stack should."""


class StackError(LocalError):
    """A part of the stack did not start, or ended by itself."""
