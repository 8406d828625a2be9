"""Copies of configuration files with shorter durations, for the demo. Nothing but durations changes.

A duration is a YAML value that is wholly one (`for: 5m`), or what stands in a PromQL expression as a range,
a subquery's step or an offset (`rate(x[5m])`, `max_over_time(x[1h:5m])`, `x offset 1d`).
"""

import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import yaml

from recwatch.durations import format_duration, parse_duration

_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_VALUE = re.compile(_DURATION)
_IN_EXPRESSION = re.compile(rf"(?<=\[){_DURATION}(?=[\]:])|(?<=:){_DURATION}(?=\])|(?<=offset )-?{_DURATION}")


def shortener(factor: float, floor: timedelta = timedelta(seconds=1)) -> Callable[[str], str]:
    """Make the function that shortens one duration: divided by `factor`, in whole seconds, at least `floor`.

    A duration that is shorter than `floor` already stays as it is.
    """

    def shorten(text: str) -> str:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        duration = parse_duration(digits)
        if duration <= floor:
            return text
        seconds = timedelta(seconds=round(duration.total_seconds() / factor))
        return sign + format_duration(max(seconds, floor))

    return shorten


def shorten_document(document: Any, shorten: Callable[[str], str], keep: Collection[str] = ()) -> Any:
    """Shorten every duration of a parsed YAML document.

    Args:
        document: what `yaml.safe_load` gives.
        shorten: maps one duration to another.
        keep: keys whose values stay as they are, such as windows over event time.
    """
    if isinstance(document, dict):
        return {
            key: value if key in keep else shorten_document(value, shorten, keep)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [shorten_document(item, shorten, keep) for item in document]
    if not isinstance(document, str):
        return document
    if _VALUE.fullmatch(document):
        return shorten(document)
    return _IN_EXPRESSION.sub(lambda match: shorten(match[0]), document)


def shorten_yaml(text: str, factor: float, keep: Collection[str] = ()) -> str:
    """Shorten every duration of a YAML file; see `shorten_document`."""
    document = shorten_document(yaml.safe_load(text), shortener(factor), keep)
    rendered: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return rendered
