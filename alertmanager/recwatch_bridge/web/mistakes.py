"""What is wrong with a request, in the words that bridge.yml's mistakes are told in."""

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from recwatch.config import worded
from recwatch_bridge.text import one_line

_SHOWN = 5
_LENGTH = 1_000
_OBJECT = 'must be a JSON object, such as {"reason": "..."}'
_WORDINGS = {
    "extra_forbidden": "no such key; remove it or correct its name",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "list_type": "must be a list: write [...]",
}
_LIMITED = {
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
}
"""For pydantic's types of error that no configuration has, or words otherwise."""


def told(items: Sequence[ErrorDetails]) -> str:
    """Say in a line what is wrong, the first few mistakes of it."""
    return one_line("; ".join(_mistake(item) for item in items[:_SHOWN]), _LENGTH)


def _mistake(item: ErrorDetails) -> str:
    kind, limits = item["type"], item.get("ctx", {})
    if kind == "json_invalid":
        # Where it was found counts in what is no document: its column says nothing without the body.
        return f"the body is not JSON: {limits.get('error', 'see its quotes and commas')}"
    if kind in _WORDINGS:
        wording = _WORDINGS[kind]
    elif kind in _LIMITED:
        wording = _LIMITED[kind].format(**limits)
    else:
        wording = worded(item)
    place, *keys = item["loc"]
    key = ".".join(map(str, keys)) or f"the {place}"
    return f"{key}: {wording}"
