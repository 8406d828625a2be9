"""A profile gives what its data gives, however much longer the reference is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.profile import write_profile
from recwatch_exporter.results import Finding
from recwatch_exporter.run import freeze_check, run_check

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MakeCheck = Callable[..., Check]
KEYS: dict[str, Any] = {
    "type": "coverage",
    "column": "item",
    "cluster": "user",
    "timestamp": "at",
    "threshold": 0.9,
    "permutations": 99,
}


@pytest.fixture
def rows(write: Callable[..., Path], days: Callable[..., Any]) -> Callable[..., None]:
    """Writes a reference of so many days and a current window of one; nothing changes."""

    def make(reference: float) -> None:
        rng = np.random.default_rng(1)
        user = np.repeat(np.arange(80), rng.poisson(2 * (reference + 1), 80))
        at, item = rng.random(len(user)) * (reference + 1), rng.zipf(1.3, len(user)) % 2000
        for name, side in (("ref", at < reference), ("cur", at >= reference)):
            write(f"{name}.parquet", user=user[side], item=item[side], at=days(at[side]))

    return make


def found(check: Check) -> Finding:
    (finding,) = run_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1))).findings
    return finding


@pytest.mark.parametrize("reference", [1.2, 20, 180])
def test_the_same_slots(
    rows: Callable[..., None], make_check: MakeCheck, tmp_path: Path, reference: float
) -> None:
    rows(reference)
    current = {"path": "cur.parquet", "window": "23h"}
    check = make_check(**KEYS, current=current)
    frozen = freeze_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))
    write_profile(tmp_path / "p.npz", [(check, frozen)], version=None, made_at=NOW)

    of_data, of_profile = (
        found(check),
        found(make_check(**KEYS, reference={"profile": "p.npz"}, current=current)),
    )

    assert of_data.enough_rows
    assert of_profile.details.get("slots") == of_data.details.get("slots")
    assert (of_profile.p_value, of_profile.effect_size) == (of_data.p_value, of_data.effect_size)


def test_slots_that_make_up_no_such_window(
    rows: Callable[..., None], make_check: MakeCheck, tmp_path: Path
) -> None:
    rows(20)
    check = make_check(**KEYS, current={"path": "cur.parquet", "window": "15h"})
    frozen = freeze_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))
    write_profile(tmp_path / "p.npz", [(check, frozen)], version=None, made_at=NOW)
    short = {"path": "cur.parquet", "window": "20m"}

    finding = found(make_check(**KEYS, min_rows=1, reference={"profile": "p.npz"}, current=short))

    assert not finding.detected
    assert "do not make up a current window of 20m: make the profile anew" in str(finding.cannot_tell)
