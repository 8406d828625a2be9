"""What the command says when it cannot do what it was asked for."""

from recwatch.errors import RecwatchError

__all__ = ["CommandError"]


class CommandError(RecwatchError):
    """The command cannot do this; the message says what to do instead. The exit code is 1."""
