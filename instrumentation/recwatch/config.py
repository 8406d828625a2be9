"""Strict YAML configuration: unknown keys are refused, every mistake is named with its key and its remedy.

Needs the packages of the extra `exporter` or `bridge` (pydantic, pyyaml).
"""

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

from recwatch.durations import format_duration, parse_duration
from recwatch.errors import ConfigError, DurationError
from recwatch.redaction import mask_passwords

__all__ = ["Duration", "Strict", "expand_variables", "load_config", "parse_config", "worded"]

_MEANT = "meant"
_WORDINGS = {
    "string_type": "must be text: a number needs quotes",
    "string_too_short": "must not be empty: write something",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is required; add it",
}
"""For pydantic's types of error."""
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def _to_timedelta(value: object) -> object:
    if isinstance(value, str) or (value == 0 and not isinstance(value, bool)):
        return parse_duration(str(value))
    if not isinstance(value, timedelta):
        # A bare number would be seconds to one reader and minutes to the next.
        raise DurationError("write a number and a unit, such as 15s, 5m, 1h30m or 60d")
    return value


Duration = Annotated[timedelta, BeforeValidator(_to_timedelta), PlainSerializer(format_duration)]
"""A field that is written as `5m` and read as a `timedelta`."""


class Strict(BaseModel):
    """Base of every configuration model: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _note_unknown_keys(cls, value: Any, info: ValidationInfo) -> Any:
        """Leave a word for `parse_config` on what an unknown key was probably meant to be."""
        meant = info.context.get(_MEANT) if isinstance(info.context, dict) else None
        if meant is not None and isinstance(value, Mapping):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in value.keys() - set(known):
                meant.update({str(key): match for match in get_close_matches(str(key), known, n=1)})
        return value


Model = TypeVar("Model", bound=BaseModel)


def expand_variables(value: Any, environment: Mapping[str, str]) -> Any:
    """Replace `${NAME}` and `${NAME:-default}` in every string of a parsed YAML document.

    Substitution happens after parsing, so that a value never becomes YAML structure.

    Raises:
        ConfigError: when a variable without a default is not set.
    """
    if isinstance(value, dict):
        return {key: expand_variables(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_variables(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = environment.get(match["name"]) or match["default"]
        if found is None:
            name = match["name"]
            raise ConfigError(f"${{{name}}} is not set: export {name}, or write ${{{name}:-default}}")
        return found

    return _VARIABLE.sub(replace, value)


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping; YAML itself would take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen and isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice; remove one", key_node.start_mark
                )
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def load_config(path: Path, model: type[Model], environment: Mapping[str, str] | None = None) -> Model:
    """Read a YAML file into a strict model.

    Relative paths inside the file are left as they are; a model resolves them with the validation context's
    `base`, the folder that the file is in.

    Args:
        path: the file.
        model: the pydantic model to read it into.
        environment: where `${NAME}` is looked up; the process's environment by default.

    Raises:
        ConfigError: with one line for each mistake: file, key, what was found, what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be read: {reason}; say by --config.file where it is") from error
    try:
        return _read(path, text, model, os.environ if environment is None else environment)
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply, or an alias (*) holds itself: flatten it") from None


def _read(path: Path, text: str, model: type[Model], environment: Mapping[str, str]) -> Model:
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {_place(error)}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: must hold keys and their values: write key: value, a line for each")
    try:
        expanded = expand_variables(document, environment)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    try:
        return parse_config(expanded, model, base=path.resolve().parent)
    except ConfigError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def parse_config(document: Mapping[str, Any], model: type[Model], *, base: Path) -> Model:
    """Read what a YAML file would hold into a strict model.

    Args:
        document: keys and values.
        model: the pydantic model to read it into.
        base: what relative paths in it are relative to.

    Raises:
        ConfigError: with one line for each mistake: key, what was found without its secrets, what to do.
    """
    meant: dict[str, str] = {}
    try:
        return model.model_validate(document, context={"base": base, _MEANT: meant})
    except ValidationError as error:
        lines = [mask_passwords(line) for line in _lines(error, document, meant)]
        raise ConfigError("\n".join(" ".join(line.splitlines()) for line in lines)) from None


def _place(error: yaml.YAMLError) -> str:
    """Where a document is no YAML and why, without the lines around it: they may hold secrets."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return mask_passwords(str(error))
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"


def _lines(error: ValidationError, document: object, meant: Mapping[str, str]) -> list[str]:
    lines = []
    for item in error.errors(include_url=False):
        key = _key(item["loc"], document)
        if item["type"] == "extra_forbidden":
            guess = meant.get(str(item["loc"][-1]))
            todo = "remove it or correct its name" if guess is None else f"did you mean {guess}?"
            lines.append(f"{key}: no such key; {todo}")
        elif item["type"] in {"list_type", "tuple_type"}:
            lines.append(
                f"{key}: must be a list: write [...], or a line with - for each{_found(item['input'])}"
            )
        elif item["type"] in {"dict_type", "model_type"}:
            found = _found(item["input"])
            lines.append(f"{key}: must be a mapping: write {{key: value}}, or a line for each key{found}")
        else:
            lines.append(f"{key}: {worded(item)}".removeprefix(": "))
    return lines


def worded(item: ErrorDetails) -> str:
    """Say in words for people what is wrong with a value, what to write, and what was found.

    Args:
        item: one of what a pydantic `ValidationError` has to say.
    """
    return f"{_wording(item)}{_found(item['input'])}"


def _wording(item: ErrorDetails) -> str:
    """What is wrong, and what to write: pydantic's own words say it for who knows its types."""
    wording = _WORDINGS.get(item["type"])
    if wording is None:
        return item["msg"].removeprefix("Value error, ")
    limits = {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in item.get("ctx", {}).items()
    }
    return wording.format(**limits)


def _key(loc: Sequence[str | int], document: object) -> str:
    """Where a mistake is, such as `checks.14 (prices).path`: nobody counts the entries of a long list."""
    parts = []
    for part in loc:
        document = _entry(document, part)
        name = document.get("name") if isinstance(part, int) and isinstance(document, dict) else None
        if part == "[key]":  # pydantic's mark of a mistake in the key itself
            continue
        parts.append(f"{part} ({name:.60})" if isinstance(name, str) and name.isprintable() else str(part))
    # A mistake between two keys has no place of its own, and names them.
    return ".".join(parts)


def _entry(document: object, part: str | int) -> object:
    try:
        return document[part]  # type: ignore[index] # whatever has no entries says so
    except (KeyError, IndexError, TypeError):
        return None


def _found(value: object) -> str:
    """What stood there, masked before it is cut; no mapping or list, which may hold secrets."""
    if isinstance(value, dict | list):
        return ""
    shown = format_duration(value) if isinstance(value, timedelta) else repr(value)
    return f" (found {mask_passwords(shown):.80})"
