"""One check from Python, of pandas DataFrames or anything that drift.yml names."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recwatch_exporter.config import Config
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check

__all__ = ["compare"]


def compare(reference: Any, current: Any, **keys: Any) -> CheckResult:
    """Run one check, as the exporter would.

    Args:
        reference: a pandas DataFrame, a path, or a mapping as `reference:` of drift.yml takes it; None for
            types that need none.
        current: likewise.
        keys: of the check, as in drift.yml: `type`, `column`, `cluster`, ... `name` may be left out. Paths
            are relative to the current folder.

    Raises:
        ValueError: when drift.yml would refuse it; the message says what to do.
        CheckError: when the check cannot say anything; the message says what to do.
    """
    sides = {"reference": reference, "current": current}
    given = {
        name: side if isinstance(side, dict) else {"path": str(side) if isinstance(side, Path) else side}
        for name, side in sides.items()
        if side is not None
    }
    entry = {"name": "check", **keys, **given}
    check = Config.model_validate({"checks": [entry]}, context={"base": Path()}).checks[0]
    return run_check(check, now=datetime.now(UTC), deadline=Deadline(check.timeout))
