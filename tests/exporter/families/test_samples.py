from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.profile import write_profile
from recwatch_exporter.results import Finding
from recwatch_exporter.run import freeze_check, run_check

NOW = datetime(2003, 5, 1, tzinfo=UTC)
KINDS = ["mmd", "classifier"]
Write = Callable[..., Path]
Run = Callable[..., Finding]


@pytest.fixture
def check(make_check: Callable[..., Check]) -> Callable[..., Check]:
    def made(**keys: Any) -> Check:
        keys = {"column": None, "columns": ["f0", "f1"], "threshold": 0.5, "permutations": 99, **keys}
        return make_check(
            **{key: value for key, value in keys.items() if key != "columns" or value is not None}
        )

    return made


@pytest.fixture
def run(check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        (found,) = run_check(check(**keys), now=NOW, deadline=deadline).findings
        return found

    return measured


def rows(n: int, shift: float = 0.0, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng([seed, n])
    return {
        "f0": (rng.normal(size=n) + shift).tolist(),
        "f1": rng.integers(0, 4, size=n).tolist(),
        "user": [f"u{number // 3}" for number in range(n)],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", [{}, {"cluster": "user"}])
def test_a_shift_is_found(run: Run, write: Write, kind: str, keys: dict[str, str]) -> None:
    write("ref.parquet", **rows(300))
    write("cur.parquet", **rows(200, shift=3.0))

    found = run(type=kind, threshold=0.5 if kind == "classifier" else 0.1, **keys)

    assert (found.feature, found.p_value, found.detected) == ("f0,f1", 0.01, True)
    assert (found.n_reference, found.n_current) == (300, 200)
    assert found.details["features"][0]["feature"] == "f0"


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_a_value_are_left_out_and_counted(run: Run, write: Write, kind: str) -> None:
    made = rows(120)
    made["f0"][3], made["f0"][7], made["f1"][9] = float("nan"), float("inf"), None
    write("ref.parquet", **made)
    write("cur.parquet", **rows(100))

    found = run(type=kind)

    assert (found.n_reference, found.n_current) == (117, 100)
    assert found.details["left_out"] == {"reference": 3, "current": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_vectors(run: Run, write: Write, kind: str) -> None:
    rng = np.random.default_rng(0)
    write("ref.parquet", vector=rng.normal(size=(150, 4)).tolist())
    write("cur.parquet", vector=(rng.normal(size=(150, 4)) + np.array([0, 0, 2, 0])).tolist())

    found = run(type=kind, column="vector", columns=None)

    assert found.p_value == 0.01
    assert found.details["features"][0]["feature"] == "vector[2]"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keys", [{}, {"cluster": "user"}])
def test_a_profile_gives_what_the_reference_gives(
    run: Run, check: Callable[..., Check], write: Write, kind: str, keys: dict[str, str]
) -> None:
    small: dict[str, Any] = {"exact_rows": 100} if kind == "mmd" else {"sample_rows": 100}
    profile = write("ref.parquet", **rows(700)).with_name("ref.npz")
    write("cur.parquet", **rows(650, shift=0.2, seed=1))
    asked = {"type": kind, **keys, **small}
    live = run(**asked)
    frozen = freeze_check(check(**asked), now=NOW, deadline=Deadline(timedelta(minutes=1)))
    write_profile(profile, [(check(**asked), frozen)], version=None, made_at=NOW)

    found = run(**asked, reference={"profile": "ref.npz"})

    assert found.statistic == pytest.approx(live.statistic, abs=1e-12)
    assert (found.p_value, found.n_reference) == (live.p_value, 700)
    assert profile.stat().st_size < 4_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_window_is_no_failure(run: Run, write: Write, kind: str) -> None:
    write("ref.parquet", **rows(100))

    found = run(type=kind, current={"path": "later-*.parquet"}, min_rows=50)

    assert (found.statistic, found.detected, found.enough_rows) == (None, False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_refused(run: Run, write: Write, kind: str) -> None:
    write("ref.parquet", **rows(100))
    write("cur.parquet", **rows(100))

    with pytest.raises(SourceError, match=r"user"):
        run(type=kind, columns=["f0", "user"])


def test_vectors_of_different_length(run: Run, write: Write) -> None:
    write("ref.parquet", vector=np.eye(4).tolist())
    write("cur.parquet", vector=np.eye(3).tolist())

    with pytest.raises(
        StatisticError, match=r"^rows have 4 numbers in the reference and 3 in the current window"
    ):
        run(type="mmd", column="vector", columns=None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["reference", "current"])
def test_a_column_without_any_value_is_an_error_that_names_it(
    run: Run, write: Write, kind: str, side: str
) -> None:
    empty = rows(200) | {"f1": pa.nulls(200, pa.float64())}
    write("ref.parquet", **(empty if side == "reference" else rows(200)))
    write("cur.parquet", **(empty if side == "current" else rows(200)))

    with pytest.raises(StatisticError) as caught:
        run(type=kind, min_rows=50)

    assert str(caught.value) == (
        f"{side}: column f1 holds no value in any of its 200 rows: write values, or choose other columns"
    )


def test_columns_that_never_have_values_together(run: Run, write: Write) -> None:
    half = np.arange(200) % 2 == 0
    write("ref.parquet", **rows(200))
    write("cur.parquet", f0=np.where(half, 1.0, np.nan), f1=np.where(half, np.nan, 1.0))

    with pytest.raises(StatisticError, match=r"^current: finite numbers of f0, f1 are together in none of"):
        run(type="mmd", min_rows=50)


def test_a_classifier_does_not_see_the_order_of_rows(run: Run, write: Write) -> None:
    rng = np.random.default_rng(3)
    n = 3000
    frame = {"f0": rng.normal(size=n), "f1": rng.normal(size=n), "user": rng.integers(0, 20, size=n)}
    order = rng.permutation(n)
    write("ref.parquet", **frame)
    write("cur.parquet", **frame)
    once = run(type="classifier", cluster="user", sample_rows=500, permutations=39)
    write("ref.parquet", **{name: values[order] for name, values in frame.items()})

    again = run(type="classifier", cluster="user", sample_rows=500, permutations=39)

    assert (again.statistic, again.p_value) == (once.statistic, once.p_value)
