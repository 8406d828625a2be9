"""Values as columns hold them: text that any database takes, and plain data as JSON."""

import json
from collections.abc import Mapping

from recwatch_bridge.text import paragraphs

_LONGEST_TEXT = 4_000


def encode(values: Mapping[str, object]) -> dict[str, object]:
    """Return values by column: a dictionary as JSON, text without what a database or a terminal chokes on.

    Text of ours often quotes what others wrote: trainers, APIs, files. PostgreSQL refuses a NUL in it, every
    database half of a surrogate pair.

    Raises:
        ValueError: when a dictionary holds a number that is not finite.
    """
    return {name: _encode(value) for name, value in values.items()}


def _encode(value: object) -> object:
    if isinstance(value, dict):
        return json.dumps(value, allow_nan=False)
    return paragraphs(value, _LONGEST_TEXT) if isinstance(value, str) else value
