import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from recwatch_exporter.checks.mmd import MMD, MmdOptions, compare, freeze
from recwatch_exporter.checks.sample_type import Sampled, SampleTerms
from recwatch_exporter.errors import StatisticError

Compare = Callable[..., Sampled]


def naive(first: np.ndarray, second: np.ndarray, bandwidth: float) -> float:
    """Gretton et al. (2012), equation 3, by scikit-learn's kernel."""
    gamma = 0.5 / bandwidth**2
    n, m = len(first), len(second)
    xx, yy = (rbf_kernel(side, gamma=gamma) for side in (first, second))
    return float(
        (xx.sum() - n) / (n * (n - 1))
        + (yy.sum() - m) / (m * (m - 1))
        - 2 * rbf_kernel(first, second, gamma=gamma).mean()
    )


def test_agrees_with_the_definition(compare_rows: Compare) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(60, 3)) * [1, 10, 100], rng.normal(0.5, 2, size=(40, 3))

    found = compare_rows(MMD, first, second)

    centre, unit = first.mean(axis=0), first.std(axis=0)
    expected = naive((first - centre) / unit, (second - centre) / unit, found.details["bandwidth"])
    assert found.statistic == pytest.approx(expected, abs=1e-12)
    assert found.details["method"] == "exact"


def test_columns_are_left_as_they_are_where_that_is_asked_for(compare_rows: Compare) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(60, 2)) * [1, 10], rng.normal(size=(40, 2))
    unit = np.sqrt(first.var(axis=0).mean())

    found = compare_rows(MMD, first, second, scale="none")

    expected = naive(first, second, found.details["bandwidth"] * unit)
    assert found.statistic == pytest.approx(expected, abs=1e-12)


def test_identical_windows_show_no_drift(compare_rows: Compare) -> None:
    rows = np.random.default_rng(2).normal(size=(100, 2))

    found = compare_rows(MMD, rows, rows)

    assert found.statistic <= 0
    assert found.p_value == 1.0


@pytest.mark.parametrize("options", [{}, {"exact_rows": 100}])
def test_the_order_of_rows_does_not_matter(compare_rows: Compare, options: dict[str, int]) -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))

    once, again = (
        compare_rows(MMD, first, second[order], **options).statistic
        for order in (np.arange(400), rng.permutation(400))
    )

    assert once == pytest.approx(again, abs=1e-6)


@pytest.mark.parametrize(
    ("sizes", "method"),
    [
        ((900, 700), "random Fourier features, by block"),
        ((90, 2000), "random Fourier features, by block"),
        ((2000, 70), "random Fourier features, by block"),
        ((2500, 15), "exact, on samples"),
        ((15, 2500), "exact, on samples"),
    ],
)
def test_large_windows_agree_with_the_exact_figure(
    compare_rows: Compare, sizes: tuple[int, int], method: str
) -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(sizes[0], 3)), rng.normal(size=(sizes[1], 3)) * 1.5 + 1

    exact = compare_rows(MMD, first, second, exact_rows=5000, permutations=19)
    found = compare_rows(MMD, first, second, exact_rows=100, permutations=19, frequencies=2048)

    assert (exact.details["method"], found.details["method"]) == ("exact", method)
    assert found.statistic == pytest.approx(exact.statistic, rel=0.5 if "samples" in method else 0.12)
    assert found.p_value == exact.p_value == 0.05


@pytest.mark.parametrize("paired", [False, True])
def test_clusters_by_fourier_sums_agree_with_the_exact_figure(compare_rows: Compare, paired: bool) -> None:  # noqa: FBT001 - a parameter
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) + 1
    clusters = (rng.integers(0, 60, 300), rng.integers(0, 60, 300) + (0 if paired else 60))

    exact, found = (
        compare_rows(MMD, first, second, clusters=clusters, exact_rows=rows, frequencies=2048)
        for rows in (5000, 100)
    )

    assert found.details["method"] == "random Fourier features, by cluster"
    assert found.statistic == pytest.approx(exact.statistic, rel=0.1)
    assert found.p_value == exact.p_value == 0.01
    assert found.details["clusters"] == exact.details["clusters"] == len(np.unique(clusters))


def test_two_rows_of_a_cluster_are_not_compared(compare_rows: Compare) -> None:
    rng = np.random.default_rng(6)
    rows = np.repeat(rng.normal(size=(60, 2)), 10, axis=0)
    cluster = np.repeat(np.arange(60), 10)

    found = compare_rows(MMD, rows[:300], rows[300:], clusters=(cluster[:300], cluster[300:]))
    plain = compare_rows(MMD, rows[:300], rows[300:])

    # 30 points against 30: between clusters there is nothing to see, row by row it looks like drift.
    assert abs(found.statistic) < 0.02 < plain.statistic
    assert found.p_value is not None
    assert found.p_value > 0.05
    assert plain.p_value == 0.01


def test_text_clusters_are_frozen_as_text_of_fixed_width(memory: Any) -> None:
    rows = memory(
        np.arange(20.0)[:, None], np.array([f"u{number // 2}" for number in range(20)], dtype=object)
    )

    frozen = freeze(rows, terms())

    assert frozen["sample_clusters"].dtype.kind == "U"
    assert all(array.dtype.kind in "biufU" for array in frozen.values())


def test_what_is_frozen_of_many_rows_is_bounded(memory: Any) -> None:
    few, many = (
        freeze(memory(np.random.default_rng(0).normal(size=(n, 2))), terms()) for n in (2000, 20_000)
    )

    assert few.keys() == many.keys()
    assert sum(array.nbytes for array in many.values()) < 1.1 * sum(array.nbytes for array in few.values())


def test_what_moved_is_named_and_drawn(compare_rows: Compare) -> None:
    rng = np.random.default_rng(7)
    first, second = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + np.array([0, 2, 0])

    found = compare_rows(MMD, first, second)

    assert found.details["features"][0]["feature"] == found.details["bins_of"] == "f1"
    assert found.details["bins"]["current"][-1] > 0.5
    assert len(json.dumps(found.details)) < 4000


def test_different_columns(compare_rows: Compare) -> None:
    with pytest.raises(
        StatisticError, match=r"^rows have 3 numbers in the reference and 2 in the current window"
    ):
        compare_rows(MMD, np.random.default_rng(0).normal(size=(9, 3)), np.eye(2))


def test_a_reference_of_equal_rows(compare_rows: Compare) -> None:
    with pytest.raises(StatisticError, match=r"^all rows of the reference are the same"):
        compare_rows(MMD, np.full((9, 2), 0.1), np.eye(2))


def test_a_constant_column_beside_others(compare_rows: Compare) -> None:
    rng = np.random.default_rng(8)
    first, second = (np.stack([rng.normal(size=50), np.ones(50)], axis=1) for _ in range(2))
    second[:, 1] = 3

    assert compare_rows(MMD, first, second).p_value == 0.01


@pytest.mark.parametrize("sizes", [(0, 50), (50, 0), (1, 50), (50, 1)])
def test_too_few_rows_for_a_figure(compare_rows: Compare, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)

    found = compare_rows(MMD, *(rng.normal(size=(n, 2)) for n in sizes))

    assert np.isnan(found.statistic)
    assert found.p_value is None


def test_one_cluster_in_a_window(compare_rows: Compare) -> None:
    rows = np.random.default_rng(10).normal(size=(20, 2))

    with pytest.raises(StatisticError, match=r"^a window has fewer than two clusters"):
        compare_rows(MMD, rows[:10], rows[10:], clusters=(np.arange(10), np.ones(10)))


def test_clusters_of_text_and_of_numbers(compare_rows: Compare) -> None:
    rows = np.random.default_rng(10).normal(size=(20, 2))

    with pytest.raises(StatisticError, match=r"^cluster holds text in one window and numbers in the other"):
        compare_rows(MMD, rows[:10], rows[10:], clusters=(np.arange(10), np.arange(10).astype(str)))


@pytest.mark.parametrize("huge", [1e308, -1e300])
def test_huge_values_stay_finite(compare_rows: Compare, huge: float) -> None:
    rng = np.random.default_rng(11)
    first, second = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    second[0, 0] = first[5, 1] = huge

    for exact_rows in (5000, 100):
        assert np.isfinite(compare_rows(MMD, first, second, exact_rows=exact_rows).statistic)


def test_the_deadline_is_looked_at(memory: Any) -> None:
    def over() -> None:
        raise TimeoutError

    rows = memory(np.random.default_rng(0).normal(size=(50, 2)))
    frozen = freeze(rows, terms())

    with pytest.raises(TimeoutError):
        compare(frozen, rows, terms(go_on=over))


def terms(**more: Any) -> SampleTerms:
    options = MmdOptions(exact_rows=500, frequencies=64)
    return SampleTerms(**{"columns": ("a", "b"), "seed": 0, "permutations": 19, "options": options, **more})


@pytest.mark.parametrize(
    ("sizes", "clusters", "exact_rows"),
    [((60, 30), False, 5000), ((300, 150), False, 100), ((150, 300), True, 5000), ((300, 150), True, 100)],
)
def test_false_alarms_are_as_frequent_as_promised(
    compare_rows: Compare,
    sizes: tuple[int, int],
    clusters: bool,  # noqa: FBT001 - a parameter
    exact_rows: int,
) -> None:
    rng = np.random.default_rng(12)
    p_values = []
    for _ in range(150):
        each = 5 if clusters else 1
        rows = [
            np.repeat(rng.normal(size=(n // each, 1)), each, axis=0) + rng.normal(size=(n, 2)) for n in sizes
        ]
        ids = [np.repeat(np.arange(n // each) + 1000 * side, each) for side, n in enumerate(sizes)]
        found = compare_rows(
            MMD,
            *rows,
            clusters=tuple(ids) if clusters else (None, None),
            permutations=19,
            exact_rows=exact_rows,
            frequencies=32,
        )
        p_values.append(found.p_value)

    # 150 runs at 0.05: 7.5 are expected, 1 to 17 hold 99.9 % of the time.
    assert 1 <= np.count_nonzero(np.asarray(p_values) <= 0.05) <= 17


@pytest.mark.parametrize("columns", [1, 4])
def test_the_effect_size_is_0_for_the_same_and_1_for_what_is_far_apart(
    compare_rows: Compare, columns: int
) -> None:
    rng = np.random.default_rng(8)
    first, second = rng.normal(size=(2, 400, columns))

    same = compare_rows(MMD, first, second).effect_size
    small = compare_rows(MMD, first, second + 0.5).effect_size
    far = compare_rows(MMD, first, second + 100).effect_size

    assert same is not None
    assert small is not None
    assert same < 0.1 < small < 0.5
    assert far == pytest.approx(1.0, abs=1e-6)


def test_the_effect_size_is_the_root_of_the_share_of_the_likeness_within(compare_rows: Compare) -> None:
    rng = np.random.default_rng(9)
    first, second = rng.normal(size=(2, 60, 2))
    second = second + 1

    found = compare_rows(MMD, first, second)

    gamma = 0.5 / found.details["bandwidth"] ** 2
    scaled = [side / first.std(axis=0) for side in (first, second)]
    within = [(rbf_kernel(side, gamma=gamma).sum() - 60) / (60 * 59) for side in scaled]
    assert found.effect_size == pytest.approx(np.sqrt(found.statistic / sum(within)), abs=1e-9)


def test_gross_drift_of_one_of_four_columns_reaches_the_default_threshold(compare_rows: Compare) -> None:
    rng = np.random.default_rng(10)
    first, second = rng.normal(size=(2, 1000, 4))
    second[:, 0] += 0.5

    found = compare_rows(MMD, first, second)

    assert found.effect_size is not None
    assert found.effect_size >= MMD.default_threshold
