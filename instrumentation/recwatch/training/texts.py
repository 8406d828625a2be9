"""Texts of a training that anything can hold, made of values that may be anything. Pure functions."""

__all__ = ["showable", "shown", "storable"]


def showable(value: object) -> object:
    """The value; the name of its type where its text cannot be had."""
    try:
        str(value)
    except Exception:  # noqa: BLE001 - a `__str__` of somebody else's making; what stands there says so
        return f"<{type(value).__name__} that cannot be shown>"
    return value


def shown(value: object) -> str:
    """A value's text; the name of its type where it has none."""
    return str(showable(value))


def storable(text: str) -> str:
    r"""A text that every database takes: NUL and half of a surrogate pair are written as `\x00`, `\ud800`."""
    return text.replace("\x00", r"\x00").encode("utf-8", "backslashreplace").decode("utf-8")
