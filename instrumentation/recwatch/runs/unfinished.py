"""A run that nobody ended."""

__all__ = ["Unfinished"]


class Unfinished(Exception):  # noqa: N818 - reads as what happened
    """What a run failed of that nobody had ended when its process did."""
