import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recwatch.errors import ConfigError
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.notebook import compare


def test_two_frames() -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame(
        {"score": rng.normal(size=400), "user_id": np.arange(400)}, index=np.arange(400) * 2
    )
    after = pd.DataFrame({"score": rng.normal(1, size=300), "user_id": np.arange(300) + 400})

    (finding,) = compare(before, after, type="ks", column="score", cluster="user_id").findings
    (same,) = compare(before, before, type="ks", column="score").findings

    assert finding.detected
    assert (finding.n_reference, finding.n_current) == (400, 300)
    assert same.statistic == 0.0


def test_a_frame_against_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"score": [1.0, 2.0, 3.0]})
    frame.to_parquet(tmp_path / "a.parquet")

    for reference in (tmp_path / "a.parquet", {"path": str(tmp_path / "a.parquet")}):
        (finding,) = compare(reference, frame, type="ks", column="score").findings
        assert finding.statistic == 0.0


def test_what_is_no_table() -> None:
    frame = pd.DataFrame({"score": [1.0, "x", {}]}, dtype=object)

    with pytest.raises(SourceError, match=r"^reference: cannot be read: the DataFrame: "):
        compare(frame, frame, type="ks", column="score")


@pytest.mark.parametrize("kind", ["ks", "psi", "moments"])
def test_a_column_without_a_value(kind: str) -> None:
    frame = pd.DataFrame({"score": np.random.default_rng(0).normal(size=5000)})

    for none in (None, pd.Series([None] * 5000, dtype="string")):
        with pytest.raises(
            StatisticError, match=r"^current: column score holds no value in any of its 5,000 r"
        ):
            compare(frame, frame.assign(score=none), type=kind, column="score")


@pytest.mark.parametrize("keys", [{}, {"timestamp": "at"}, {"timestamp": "at", "cluster": "user_id"}])
@pytest.mark.parametrize("kind", ["ks", "psi", "missing"])
def test_a_csv_file_with_a_header_alone(tmp_path: Path, kind: str, keys: dict[str, str]) -> None:
    times = pd.date_range("2024-01-01", periods=5000, freq="h")
    frame = pd.DataFrame({"score": np.arange(5000.0) / 7, "at": times, "user_id": np.arange(5000) % 70})
    for name, rows in (("ref.csv", frame), ("cur.csv", frame.iloc[:0])):
        rows.to_csv(tmp_path / name, index=False)
    current: dict[str, Any] = {"path": str(tmp_path / "cur.csv")}
    if "timestamp" in keys:
        current["window"] = "1d"

    (finding,) = compare(tmp_path / "ref.csv", current, type=kind, column="score", **keys).findings

    assert (finding.n_current, finding.detected, finding.enough_rows) == (0, False, False)


def test_a_mistake_in_the_keys() -> None:
    frame = pd.DataFrame({"score": [1.0]})

    with pytest.raises(ConfigError, match=r"^check: type: give one of") as unknown:
        compare(frame, frame, type="kolmogorov", column="score")
    with pytest.raises(ConfigError, match=r"^check\.treshold: no such key; did you mean threshold\?$"):
        compare(frame, frame, type="ks", column="score", treshold=0.1)
    with pytest.raises(ConfigError) as two:
        compare(frame, frame, type="ks", column=frame, alpha=2)

    assert "pydantic" not in f"{unknown.value}{two.value}"
    assert [line.partition(":")[0] for line in str(two.value).splitlines()] == ["check.alpha", "check.column"]


@pytest.mark.parametrize(
    "side",
    [
        {"database": "postgresql://bob:hunter2@db/x"},
        {"database": "postgresql://bob:hunter2@db/x", "tabel": "events"},
        {"database": "bob:hunter2@db/x", "table": "events"},
        {"path": "postgresql://bob:hunter2@db/x"},
        "postgresql://bob:hunter2@db/x",
    ],
)
def test_a_mistake_repeats_no_password(side: Any) -> None:
    with pytest.raises(ConfigError) as error:
        compare(side, side, type="ks", column="score")

    assert "hunter2" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("side", "found"), [(np.zeros(3), "numpy.ndarray"), ([1.0], "list"), (0, "int"), (pd, "module")]
)
def test_what_is_no_side(side: Any, found: str) -> None:
    frame = pd.DataFrame({"score": [1.0]})

    with pytest.raises(ConfigError) as error:
        compare(frame, side, type="ks", column="score")

    assert str(error.value) == (
        f'current: give a pandas DataFrame, a path, or a mapping such as {{"path": ...}} (found a {found}): '
        "pandas.DataFrame makes one of columns"
    )


def people(rng: np.random.Generator, *, users: int, differ: float, shift: float = 0.0) -> list[pd.DataFrame]:
    """60 days and the 7 that follow; every user goes on as he was, but for a shift of all numbers."""
    user = np.repeat(np.arange(users), rng.poisson(rng.gamma(0.8, 0.35 / 0.8, users) * 67))
    day = rng.random(len(user)) * 67
    x = rng.normal(0, differ, users)[user] + rng.normal(size=len(user)) + shift * (day >= 60)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    frame = pd.DataFrame(
        {
            "user_id": user,
            "x": x.round(2),
            "y": rng.normal(size=len(user)),
            "item_id": np.minimum(rng.zipf(1.3, len(user)), 400),
            "time": time.astype("datetime64[us]"),
        }
    )
    return [frame[day < 60], frame[day >= 60]]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("kind", ["spearman", "psi", "ks", "coverage", "gini", "mmd"])
def test_windows_of_unequal_length_in_which_nothing_has_changed(kind: str, *, timed: bool) -> None:
    p_values = []
    keys: dict[str, Any] = {"column": "item_id" if kind in {"spearman", "coverage", "gini"} else "x"}
    if kind == "mmd":
        if not timed:
            pytest.skip("is told that it needs timestamp")
        keys = {"columns": ["x", "y"], "frequencies": 64}
    for seed in range(12):
        reference, current = people(np.random.default_rng([1, seed]), users=100, differ=0.0)
        more = {"timestamp": "time"} if timed else {}
        found = compare(
            reference,
            current,
            type=kind,
            cluster="user_id",
            permutations=99,
            seed=seed,
            min_rows=2,
            **keys,
            **more,
        )
        assert found.enough_rows
        p_values.append(found.findings[0].p_value)

    assert np.count_nonzero(np.array(p_values, float) <= 0.05) <= 3
    assert 0.25 < np.mean(np.array(p_values, float)) < 0.85


@pytest.mark.parametrize("kind", ["ks", "moments"])
def test_a_shift_of_users_who_differ_is_found(kind: str) -> None:
    p_values = []
    for seed in range(8):
        windows = people(np.random.default_rng([2, seed]), users=100, differ=1.0, shift=0.4)
        found = compare(
            *windows,
            type=kind,
            column="x",
            cluster="user_id",
            timestamp="time",
            permutations=99,
            seed=seed,
        )
        p_values.append(found.findings[0].p_value)

    assert np.count_nonzero(np.array(p_values, float) <= 0.05) >= 6


def test_without_times_rows_of_unequal_windows_are_not_exchanged() -> None:
    windows = people(np.random.default_rng(0), users=100, differ=0.0)

    found = compare(*windows, type="mmd", columns=["x", "y"], cluster="user_id", permutations=99)

    assert not found.enough_rows
    assert "give timestamp" in str(found.findings[0].cannot_tell)


@pytest.mark.parametrize("kind", ["ks", "missing", "mmd"])
def test_too_few_clusters_cannot_tell(kind: str) -> None:
    rng = np.random.default_rng(0)
    windows = [
        pd.DataFrame({"x": rng.normal(size=90) + 4 * side, "user_id": np.arange(90) % 2 + 3 * side})
        for side in (0, 1)
    ]
    column = {"columns": ["x", "x2"]} if kind == "mmd" else {"column": "x"}
    windows = [window.assign(x2=window.x) for window in windows]

    found = compare(*windows, type=kind, **column, cluster="user_id", permutations=99)

    assert not found.enough_rows
    assert found.findings[0].cannot_tell == "4 clusters allow no p-value below 0.17"
    assert not found.findings[0].detected
