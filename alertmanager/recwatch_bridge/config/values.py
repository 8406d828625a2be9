"""What several parts of bridge.yml are made of."""

import re
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo

from recwatch.durations import parse_duration

ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECOND = parse_duration("1s")
NOTHING = parse_duration("0")

Entry = TypeVar("Entry")


def against_base(path: Path, info: ValidationInfo) -> Path:
    """Make a path relative to the configuration's folder, unless it is absolute."""
    without_nul(str(path))
    base = (info.context or {}).get("base", Path())
    return Path(base, path)


def _not_empty(value: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not value:
        raise ValueError("must not be empty: add one at least")
    return value


def _is_address(value: str) -> str:
    if ADDRESS.fullmatch(value) is None:
        raise ValueError("is not an email address: write it as name@example.com")
    return value


def without_nul(value: str) -> str:
    """Refuse what no path and no process's argument can hold."""
    if "\0" in value:
        raise ValueError("must hold no NUL character: remove it")
    return value


def is_http_url(value: str) -> bool:
    """Whether a text is an address of HTTP that can be asked."""
    return re.fullmatch(r"https?://[^\s/]+\S*", value) is not None and _has_host(value)


def _checked_http_url(value: str) -> str:
    if not is_http_url(value):
        raise ValueError("is not an address: write it as http://host:port/path")
    return value


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half a bracket
        return False


def _is_http_root(value: str) -> str:
    if re.search(r"[?#]", _checked_http_url(value)):
        raise ValueError("must have neither ? nor #: paths are added to it")
    return value.rstrip("/")


def _is_model_name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", value) is None:
        raise ValueError("is not a model's name: write letters, digits, - and _, 63 at most")
    return value


def _is_word(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", value) is None:
        raise ValueError("is not a name: write letters, digits, ., - and _, 128 at most")
    return value


RelativePath = Annotated[Path, AfterValidator(against_base)]
"""A path that is relative to the configuration's folder, unless it is absolute."""

ModelName = Annotated[str, AfterValidator(_is_model_name)]
Word = Annotated[str, AfterValidator(_is_word)]
Some = Annotated[tuple[Entry, ...], AfterValidator(_not_empty)]
"""A list of one at least."""
Address = Annotated[str, AfterValidator(_is_address)]
"""An email address."""
HttpUrl = Annotated[str, AfterValidator(_checked_http_url)]
HttpRoot = Annotated[str, AfterValidator(_is_http_root)]
"""An address that paths are added to; without a slash at its end."""
