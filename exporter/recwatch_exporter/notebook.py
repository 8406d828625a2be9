"""One check from Python, of pandas DataFrames or anything that drift.yml names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from recwatch.config import Strict, parse_config
from recwatch.errors import ConfigError
from recwatch_exporter.config import Check, parse_check
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check
from recwatch_exporter.sources.frames import is_frame

__all__ = ["compare"]


class _Comparison(Strict):
    check: Annotated[Check, BeforeValidator(parse_check)]


def compare(reference: Any, current: Any, **keys: Any) -> CheckResult:
    """Run one check, as the exporter would.

    Args:
        reference: a pandas DataFrame, a path, or a mapping as `reference:` of drift.yml takes it; None for
            types that need none.
        current: likewise.
        keys: of the check, as in drift.yml: `type`, `column`, `cluster`, ... `name` may be left out. Paths
            are relative to the current folder.

    Raises:
        ConfigError: when drift.yml would refuse it; the message says what to do.
        CheckError: when the check cannot say anything; the message says what to do.
    """
    sides = {"reference": reference, "current": current}
    given = {name: _side(name, side) for name, side in sides.items() if side is not None}
    document = {"check": {"name": "check", **keys, **given}}
    check = parse_config(document, _Comparison, base=Path()).check
    return run_check(check, now=datetime.now(UTC), deadline=Deadline(check.timeout))


def _side(name: str, given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, str | PathLike):
        return {"path": fspath(given)}
    if is_frame(given):
        return {"path": given}
    kind = type(given)
    found = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    raise ConfigError(
        f'{name}: give a pandas DataFrame, a path, or a mapping such as {{"path": ...}} (found a {found}): '
        "pandas.DataFrame makes one of columns"
    )
