from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.base import Measurement
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.families import counts
from recwatch_exporter.families.base import Run
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.window import Window

MakeWindow = Callable[..., Window]
Measure = Callable[..., Measurement]
COUNT_TYPES = sorted(name for name, kind in TYPES.items() if isinstance(kind, CountType))
NUMBERS = ["ks", "wasserstein", "moments"]
N = 6000


@pytest.fixture
def measure(make_check: Callable[..., Check], array_window: MakeWindow, deadline: Deadline) -> Measure:
    """Hold one column of arrays against another, as a run does; `profiled`: without the reference window."""

    def run(
        kind: str, reference: dict[str, Any], current: dict[str, Any], *, profiled: bool = False, **keys: Any
    ) -> Measurement:
        threshold = TYPES[kind].default_threshold
        check = make_check(
            **{"type": kind, "column": "x", "threshold": threshold, "permutations": 199, **keys}
        )
        before, after = array_window("reference", **reference), array_window("current", **current)
        once = Run(now=datetime.now(UTC), deadline=deadline)
        frozen = {name: np.asarray(array) for name, array in counts.freeze(check, "x", before, once).items()}
        assert all(array.dtype.kind in "iufU" for array in frozen.values()), "a profile keeps nothing else"
        return counts.measure(check, "x", frozen, after, run=once, reference=None if profiled else before)

    return run


def normal(n: int, shift: float = 0.0, seed: int = 0) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(seed).normal(shift, size=n)}


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_the_same_rows_twice_are_no_drift(measure: Measure, kind: str) -> None:
    rng = np.random.default_rng(0)
    rows = {"x": rng.integers(1, 30, 400), "user_id": rng.integers(0, 40, 400)}

    found = measure(kind, rows, rows, cluster="user_id")

    assert found.effect_size == pytest.approx(1.0 if TYPES[kind].bad == "low" else 0.0, abs=1e-12)
    assert found.p_value == 1.0
    assert (found.n_reference, found.n_current, found.details["clusters"]) == (400, 400, 40)


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_details_hold_a_picture_and_are_small(measure: Measure, kind: str) -> None:
    rng = np.random.default_rng(0)
    found = measure(kind, {"x": rng.integers(0, 900, 2000)}, {"x": rng.zipf(1.5, 2000).clip(0, 900)})

    bins = found.details["bins"]
    assert 2 <= len(bins["labels"]) == len(bins["reference"]) == len(bins["current"]) <= 40
    assert len(set(bins["labels"])) == len(bins["labels"])
    assert sum(bins["reference"]) == pytest.approx(1)
    assert sum(bins["current"]) == pytest.approx(1)
    assert len(str(found.details)) < 6000


def test_of_many_values_the_exact_distance_and_a_p_value_from_cells(measure: Measure) -> None:
    first, second = normal(N), normal(N, 0.1, seed=1)
    expected = stats.ks_2samp(first["x"], second["x"])

    found, profiled = measure("ks", first, second), measure("ks", first, second, profiled=True)

    assert found.statistic == found.effect_size == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == profiled.p_value == 1 / 200
    assert (found.details["exact"], profiled.details["exact"]) == (True, False)
    assert profiled.statistic == found.details["statistic_of_cells"]
    assert profiled.statistic == pytest.approx(expected.statistic, abs=1 / 1000)
    assert profiled.statistic <= expected.statistic


def test_wasserstein_and_moments_of_many_values(measure: Measure) -> None:
    first, second = normal(N), {"x": np.append(normal(N, 0.3, seed=1)["x"], [40.0] * 5)}
    std = first["x"].std()
    distance = stats.wasserstein_distance(first["x"], second["x"]) / std
    shift = (second["x"].mean() - first["x"].mean()) / std

    for profiled in (False, True):
        found = measure("wasserstein", first, second, profiled=profiled)
        assert found.statistic == pytest.approx(distance, rel=0.02 if profiled else 1e-12)
        moments = measure("moments", first, second, profiled=profiled)
        assert moments.details["mean_shift"] == pytest.approx(shift, rel=1e-12)
        assert moments.details["exact"]
        assert moments.p_value == found.p_value == 1 / 200


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("sizes", [(300, N), (N, 300)])
def test_one_window_of_many_values_is_enough_for_cells(
    measure: Measure, kind: str, sizes: tuple[int, int]
) -> None:
    first, second = normal(sizes[0]), normal(sizes[1], 0.5, seed=1)
    exact = {
        "ks": stats.ks_2samp(first["x"], second["x"]).statistic,
        "wasserstein": stats.wasserstein_distance(first["x"], second["x"]) / first["x"].std(),
        "moments": abs(second["x"].mean() - first["x"].mean()) / first["x"].std(),
    }

    found = measure(kind, first, second)

    assert found.statistic == pytest.approx(exact[kind], rel=1e-9)
    assert found.details["counted"]
    assert found.p_value == 1 / 200


def test_a_value_that_most_rows_have_keeps_a_cell_of_its_own(measure: Measure) -> None:
    first, second = normal(3 * N)["x"], normal(3 * N, seed=1)["x"]
    first[: 2 * N], second[:N] = 0.0, 0.0

    found = measure("ks", {"x": first}, {"x": second}, profiled=True)

    assert found.statistic == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1 / 500)
    assert found.statistic > 0.15


@pytest.mark.parametrize("kind", ["psi", "jensen_shannon", "chi2"])
def test_numbers_of_many_values_are_put_into_bins(measure: Measure, kind: str) -> None:
    for n in (700, N):
        same, moved = (
            measure(kind, normal(n), normal(n, seed=1)),
            measure(kind, normal(n), normal(n, 1.0, seed=1)),
        )

        assert same.p_value is not None
        assert same.p_value > 0.05
        assert moved.effect_size > TYPES[kind].default_threshold
        assert moved.p_value == 1 / 200
        assert len(moved.details["bins"]["labels"]) == 10
        assert moved.details["bins"]["reference"] == pytest.approx([0.1] * 10, abs=0.002)
        assert moved.details["contributions"][0]["bin"] == moved.details["bins"]["labels"][-1]


def test_bins_and_categories_are_the_configurations(measure: Measure) -> None:
    rng = np.random.default_rng(0)
    first, second = {"x": rng.integers(0, 100, 3000)}, {"x": rng.integers(0, 100, 3000)}

    assert len(measure("chi2", first, second, bins=4).details["bins"]["labels"]) == 4
    assert measure("chi2", first, second, bins=4).details["degrees_of_freedom"] == 3
    assert measure("chi2", first, second, categorical=True).details["degrees_of_freedom"] == 99


@pytest.mark.parametrize("kind", ["psi", "jensen_shannon", "wasserstein", "moments", "chi2", "unseen"])
def test_few_users_are_no_effect_where_nothing_has_changed(measure: Measure, kind: str) -> None:
    rng = np.random.default_rng(3)
    tastes = rng.dirichlet(np.full(8, 0.4), size=16)
    users = np.repeat(np.arange(16), 25)
    values = np.array([rng.choice(8, p=tastes[user]) for user in users])
    sides = [{"x": values[side], "user_id": users[side]} for side in (users < 8, users >= 8)]

    found = measure(kind, *sides, cluster="user_id")

    if kind != "unseen":
        assert found.statistic > TYPES[kind].default_threshold, "the figure alone would fire"
    assert found.p_value is not None
    assert found.p_value > 0.05
    assert found.effect_size < 1.5 * TYPES[kind].default_threshold


def test_popularity_names_what_rose_and_fell(measure: Measure) -> None:
    first, second = {"x": ["a"] * 50 + ["b"] * 30 + ["c"] * 20}, {"x": ["a"] * 10 + ["b"] * 30 + ["d"] * 60}

    details = measure("rank_overlap", first, second).details

    assert details["rose"][0] == {"id": "d", "reference": 0.0, "current": 0.6}
    assert [item["id"] for item in details["fell"]] == ["a", "c"]


def test_options_reach_the_statistic(measure: Measure) -> None:
    first, second = {"x": ["a"] * 3 + ["b"] * 2 + ["c"]}, {"x": ["b"] * 3 + ["a"] * 2 + ["c"]}

    shallow, deep = (measure("rank_overlap", first, second, depth=depth).statistic for depth in (1, 3))

    assert shallow == 0.0
    assert deep > 0.9


def test_rows_without_a_value_are_counted(measure: Measure) -> None:
    found = measure("ks", {"x": [1.0, 2.0, np.nan]}, {"x": [1.0, np.inf, -np.inf]})

    assert (found.n_reference, found.n_current) == (2, 1)
    assert found.details["left_out"] == {"reference": 1, "current": 2}


def test_so_few_users_that_no_p_value_is_small(measure: Measure) -> None:
    """Of four users, two are as far out: as bad as the one observed."""
    rows = {"x": [1.0, 2.0, 3.0], "user_id": [1, 2, 3]}

    found = measure("ks", rows, {"x": [9.0], "user_id": [4]}, cluster="user_id")

    assert found.details["different_permutations"] == 4
    assert found.p_value == pytest.approx(1 / 2, abs=0.1)


@pytest.mark.parametrize("side", ["reference", "current"])
def test_a_column_without_a_single_value_is_an_error(measure: Measure, side: str) -> None:
    some, none = {"x": [1.0] * 5}, {"x": [np.nan] * 5}
    sides = (none, some) if side == "reference" else (some, none)

    with pytest.raises(
        StatisticError, match=rf"^{side}: column x holds no value in any of its 5 rows: write"
    ):
        measure("ks", *sides)


@pytest.mark.parametrize("kind", ["wasserstein", "moments"])
def test_a_constant_reference_is_an_error_that_says_so(measure: Measure, kind: str) -> None:
    with pytest.raises(
        StatisticError, match=rf"^{kind} is not defined on x: the reference holds one value only"
    ):
        measure(kind, {"x": [1.0] * 5}, {"x": [1.0, 2.0]})


def test_text_against_numbers_is_an_error(measure: Measure) -> None:
    for first, second in (({"x": ["1"]}, {"x": [1]}), ({"x": ["1"]}, normal(N)), (normal(N), {"x": ["1"]})):
        with pytest.raises(SourceError, match=r"^column x holds text in one window and numbers in the other"):
            measure("psi", first, second)


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_one_row_a_side_is_a_figure_or_an_error_and_no_crash(measure: Measure, kind: str) -> None:
    try:
        found = measure(kind, {"x": [1.0]}, {"x": [2.0]})
    except StatisticError as error:
        assert "is not defined on x" in str(error)  # noqa: PT017 - either is right
    else:
        assert np.isfinite(found.effect_size)


@pytest.mark.parametrize("kind", [name for name in COUNT_TYPES if name not in NUMBERS])
def test_hostile_text(measure: Measure, kind: str) -> None:
    strange = ["'; DROP TABLE x", "\u202e\U0001f600", " ", "NaN", "x" * 5000, ""]

    found = measure(kind, {"x": strange * 3}, {"x": strange[:3] * 5 + ["new"]})

    assert np.isfinite(found.statistic)
    assert all(len(name) <= 60 for name in found.details["bins"]["labels"])
