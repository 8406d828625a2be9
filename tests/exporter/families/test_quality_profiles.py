"""What holds for every type of freshness, quality and estimated performance, run from files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.profile import write_profile
from recwatch_exporter.results import CheckResult, Finding
from recwatch_exporter.run import freeze_check, run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
Write = Callable[..., Path]
MakeCheck = Callable[..., Check]
Days = Callable[[Sequence[float]], pa.Array]

TYPES: dict[str, dict[str, Any]] = {
    "missing": {"type": "missing", "column": "rating"},
    "missing by user": {
        "type": "missing",
        "column": None,
        "columns": ["rating", "shop"],
        "cluster": "user_id",
    },
    "range of numbers": {"type": "range", "column": "rating"},
    "range of texts": {"type": "range", "column": "shop"},
    "range between limits": {"type": "range", "column": "rating", "low": 0.1, "high": 0.9},
    "duplicates": {"type": "duplicates", "column": None, "columns": ["user_id", "shop"]},
    "schema": {"type": "schema", "column": None, "threshold": 1},
    "row_count": {"type": "row_count", "column": None},
    "performance": {"type": "performance", "column": "score", "target": "label", "cluster": "user_id"},
    "performance of ratings": {
        "type": "performance",
        "column": "score",
        "target": "rating",
        "metric": "rmse",
    },
}


@pytest.fixture
def data(write: Write, days: Days) -> None:
    """Twenty days of a reference and ten of a current window that differs from it in everything."""
    rng = np.random.default_rng(0)

    def write_rows(name: str, n: int, first: int, last: int, **more: Any) -> None:
        rating = rng.random(n)
        rating[:: 5 if more else 50] = np.nan
        score = np.round(rng.beta(1, 1, n), 2)
        write(
            name,
            t=days(np.sort(rng.uniform(first, last, n)).tolist()),
            user_id=rng.integers(0, 40, n),
            shop=rng.choice(["east", "west", "süd", *more], n),
            rating=rating * (2 if more else 1),
            score=score if not more else score / 2 + 0.25,
            label=rng.random(n) < score,
            **more,
        )

    write_rows("ref.parquet", 2000, 0, 20)
    write_rows("cur.parquet", 300, 20, 30, new=np.zeros(300))


def checked(check: Check) -> CheckResult:
    return run_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))


def figures(finding: Finding) -> tuple[float | None, float | None, bool]:
    return finding.statistic, finding.effect_size, finding.detected


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("keys", TYPES.values(), ids=TYPES)
def test_a_profile_stands_in_for_the_reference(
    make_check: MakeCheck, tmp_path: Path, keys: dict[str, Any]
) -> None:
    timed = {"timestamp": "t", "permutations": 99, **keys}
    check = make_check(**timed)
    frozen = freeze_check(check, now=NOW, deadline=Deadline(timedelta(minutes=1)))
    write_profile(tmp_path / "profile.npz", [(check, frozen)], version=None, made_at=NOW)

    of_data = checked(check)
    of_profile = checked(make_check(**timed, reference={"profile": "profile.npz"}))

    if "cluster" in keys:  # slots of a profile are as long as the current window to within a hundredth
        assert [figures(finding) for finding in of_profile.findings] == [
            figures(finding) for finding in of_data.findings
        ]
    else:
        assert of_profile.findings == of_data.findings
    assert all(finding.statistic is not None for finding in of_data.findings)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("keys", TYPES.values(), ids=TYPES)
def test_findings_are_json(make_check: MakeCheck, keys: dict[str, Any]) -> None:
    result = checked(make_check(**{"timestamp": "t", "permutations": 99, **keys}))

    for finding in result.findings:
        assert len(json.dumps(asdict(finding), allow_nan=False)) < 5000


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    "keys",
    [item for item in TYPES.values() if item["type"] != "schema"],
    ids=[n for n in TYPES if n != "schema"],
)
def test_segments_have_findings_of_their_own(make_check: MakeCheck, keys: dict[str, Any]) -> None:
    result = checked(make_check(**{"timestamp": "t", "permutations": 999, "segment_by": "shop", **keys}))

    whole = [finding for finding in result.findings if finding.segment == "all"]
    for finding in whole:
        parts = [part for part in result.findings if part.feature == finding.feature and part is not finding]
        assert {part.segment for part in parts} == {"east", "west", "süd"}
        assert all(part.error is None and part.statistic is not None for part in parts)
        if finding.type != "row_count":  # each segment's periods end with its own newest event
            assert sum(part.n_reference or 0 for part in parts) == finding.n_reference


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("keys", TYPES.values(), ids=TYPES)
def test_the_same_window_twice_is_no_drift(make_check: MakeCheck, keys: dict[str, Any]) -> None:
    same = {"path": "ref.parquet"}

    result = checked(
        make_check(timestamp="t", permutations=99, reference=same, current=same, **{"threshold": 1, **keys})
    )

    for finding in result.findings:
        assert finding.effect_size == pytest.approx(0.0, abs=1e-12)
        assert not finding.detected
