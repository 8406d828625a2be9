"""Texts of a run that anything can hold, made of values that may be anything. Pure functions."""

from recwatch.redaction import mask_passwords

__all__ = ["describe", "showable", "shown", "storable"]

_ERROR_LENGTH = 2000


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


def describe(error: BaseException) -> str:
    """An error's class and message, without passwords, at most 2,000 characters."""
    name, text = type(error).__name__, shown(error)
    return mask_passwords(f"{name}: {text}" if text else name)[:_ERROR_LENGTH]
