"""What callers pass in, checked: one clear error for each mistake."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from numbers import Real

import numpy as np

from recwatch.errors import QualityError
from recwatch.quality.records import Item

__all__ = ["code", "features_json", "item", "items", "moment", "number", "text"]

MOST_CHARACTERS = 200
MOST_ITEMS = 1_000
MOST_FEATURE_CHARACTERS = 10_000
MOST_SECONDS_AHEAD = 3_600.0
"""How far ahead of this clock another may be; a time beyond is a mistake."""
_CODE_BITS = 52


def text(value: object, name: str) -> str:
    """A name or an id: 1 to 200 characters that every database takes.

    Raises:
        QualityError: where it is anything else.
    """
    if type(value) is str and 0 < len(value) <= MOST_CHARACTERS and "\x00" not in value:  # noqa: SIM102
        if value.isascii() or _encodable(value):
            return value
    shown = f"a text of {len(value)} characters" if isinstance(value, str) else type(value).__name__
    raise QualityError(
        f"{name} must be a text of 1 to {MOST_CHARACTERS} characters, without NUL or lone surrogates; "
        f"got {shown}"
    )


def number(value: object, name: str) -> float:
    """A finite number.

    Raises:
        QualityError: where it is NaN, infinite or no number.
    """
    if type(value) is float:
        result = value
    elif type(value) is int or isinstance(value, Real | Decimal | np.bool_):
        try:
            result = float(value)
        except OverflowError:
            result = math.inf
    else:
        raise QualityError(f"{name} must be a finite number; got {type(value).__name__}")
    if not math.isfinite(result):
        raise QualityError(f"{name} must be a finite number; got {value!r:.40}")
    return result


def moment(value: object, now: float, name: str) -> float:
    """Seconds since 1970 of an aware time; `now` where none is given.

    Raises:
        QualityError: where it is naive, before 1970 or more than an hour ahead.
    """
    if value is None:
        return now
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise QualityError(f"{name} must be an aware datetime, such as datetime.now(UTC); got {value!r:.40}")
    seconds = value.timestamp()
    if not 0 <= seconds <= now + MOST_SECONDS_AHEAD:
        raise QualityError(f"{name} must lie between 1970 and an hour from now; got {value.isoformat()}")
    return seconds


def item(value: object, name: str) -> Item:
    """An item's id: an integer or a text.

    Raises:
        QualityError: where it is anything else.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    return text(value, name)


def items(values: object, name: str) -> tuple[Item, ...]:
    """Item ids in order, without repetition.

    Raises:
        QualityError: where they are no collection of ids, are too many, or one comes twice.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise QualityError(f"{name} must be a collection of item ids; got {type(values).__name__}")
    result = tuple(item(value, f"an id in {name}") for value in values)
    if len(result) > MOST_ITEMS:
        raise QualityError(f"{name} must hold at most {MOST_ITEMS} item ids; got {len(result)}")
    if len(set(result)) < len(result):
        raise QualityError(f"{name} must hold each item once")
    return result


def features_json(features: Mapping[str, object] | None) -> str | None:
    """Features as JSON; texts, finite numbers, booleans and None are taken, and lists and mappings of them.

    Raises:
        QualityError: where they are not JSON, or too long.
    """
    if features is None:
        return None
    try:
        result = json.dumps(dict(features), allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise QualityError(f"features must be a mapping that JSON can hold, without NaN: {error}") from error
    if len(result) > MOST_FEATURE_CHARACTERS:
        raise QualityError(
            f"features must be at most {MOST_FEATURE_CHARACTERS} characters of JSON; got {len(result)}"
        )
    return result


@lru_cache(maxsize=65_536)
def code(value: Item) -> int:
    """A hash of an id that a float holds exactly, the same in every process: 52 bits of BLAKE2b.

    Among a million ids the chance that any two share one is 1 in 9,000.
    """
    digest = blake2b(f"{type(value).__name__}:{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _CODE_BITS)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")
