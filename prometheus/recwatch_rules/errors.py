"""What goes wrong with rules; the message says what to do."""

__all__ = ["RulesError"]


class RulesError(Exception):
    """Rules, runbooks or targets that cannot be used; begins with the file."""
