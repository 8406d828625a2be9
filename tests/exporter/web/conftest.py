"""Checks in every state, as pages show them: made, not measured, so that these tests need no data."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check, check_model
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import CheckResult, Finding

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def now() -> float:
    """2026-03-02 09:00 UTC."""
    return NOW


@pytest.fixture
def check() -> Callable[..., Check]:
    """A check without its file: ks of the column `rating`, or as it is told."""

    def make(name: str = "ratings", type_: str = "ks", **keys: Any) -> Check:
        kind = TYPES[type_]
        plain: dict[str, Any] = {
            "name": name,
            "type": type_,
            "threshold": kind.default_threshold,
            "reference": {"path": "ref.parquet"},
            "current": {"path": "cur.parquet"},
        }
        if "columns" not in keys:
            plain["column"] = "rating"
        if kind.key == "required":
            plain["key"] = "item_id"
        return check_model(kind).model_validate(plain | keys)

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """A finding of a check with 1,000 rows against 500, not detected, or as it is told."""

    def make(check: Check, effect_size: float | None = 0.05, **keys: Any) -> Finding:
        plain: dict[str, Any] = {
            "type": check.type,
            "feature": check.label,
            "statistic": effect_size,
            "effect_size": effect_size,
            "p_value": 0.4 if check.has_p_value else None,
            "threshold": check.threshold,
            "detected": False,
            "n_reference": 1000,
            "n_current": 500,
        }
        return Finding(**(plain | keys))

    return make


@pytest.fixture
def state() -> Callable[..., CheckState]:
    """The state of a check that succeeded a minute ago with these findings."""

    def make(check: Check, *findings: Finding, **keys: Any) -> CheckState:
        result = CheckResult(
            findings=findings,
            rows={"reference": 1000, "current": 500},
            newest={"current": datetime.fromtimestamp(NOW - 3600, UTC)},
            enough_rows=all(item.enough_rows for item in findings),
        )
        plain = CheckState(
            check=check,
            result=result,
            success=True,
            last_success=NOW - 60,
            last_result=NOW - 60,
            duration=1.5,
        )
        return replace(plain, **keys)

    return make
