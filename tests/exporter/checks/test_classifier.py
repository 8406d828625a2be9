import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recwatch_exporter.checks.classifier import CLASSIFIER, ClassifierOptions, freeze
from recwatch_exporter.checks.sample_type import Sampled, SampleTerms
from recwatch_exporter.errors import StatisticError

Compare = Callable[..., Sampled]
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shift": lambda rows: rows + np.array([0, 0, 0.8]),
    "spread": lambda rows: rows * [1, 1, 2],
    "correlation": lambda rows: np.stack(
        [rows[:, 0], rows[:, 1], rows[:, 0] * 0.7 + rows[:, 2] * 0.7], axis=1
    ),
    "values": lambda rows: np.stack([rows[:, 0], rows[:, 1], np.rint(rows[:, 2])], axis=1),
}


@pytest.mark.parametrize("change", ["shift", "spread", "correlation"])
def test_what_changed_is_named(compare_rows: Compare, change: str) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(500, 3)), CHANGES[change](rng.normal(size=(500, 3)))

    found = compare_rows(CLASSIFIER, first, second)

    assert found.statistic > 0.6
    assert found.p_value == 0.01
    assert "f2" in {item["feature"] for item in found.details["features"][:2]}
    assert found.details["null_mean"] == pytest.approx(0.5, abs=0.02)
    assert sum(found.details["bins"]["current"]) == pytest.approx(1)
    assert len(json.dumps(found.details)) < 4000


def test_windows_that_share_nothing_are_told_apart_always(compare_rows: Compare) -> None:
    rng = np.random.default_rng(1)

    assert compare_rows(CLASSIFIER, rng.normal(size=(80, 1)), rng.normal(size=(80, 1)) + 100).statistic == 1.0


def test_rows_that_are_all_the_same_cannot_be_told_apart(compare_rows: Compare) -> None:
    found = compare_rows(CLASSIFIER, np.ones((40, 2)), np.ones((30, 2)))

    assert (found.statistic, found.p_value) == (0.5, 1.0)
    assert all(item["importance"] == 0 for item in found.details["features"])


def test_the_same_rows_on_both_sides(compare_rows: Compare) -> None:
    rows = np.random.default_rng(2).normal(size=(300, 2))

    found = compare_rows(CLASSIFIER, rows, rows)

    assert found.statistic < 0.55
    assert found.p_value is not None
    assert found.p_value > 0.1


def test_a_bounded_sample_of_each_window(compare_rows: Compare) -> None:
    rng = np.random.default_rng(3)

    found = compare_rows(CLASSIFIER, rng.normal(size=(900, 2)), rng.normal(size=(60, 2)), sample_rows=100)

    assert found.details["sample"] == {"reference": 100, "current": 60}


def test_users_who_differ_from_each_other_are_no_drift(compare_rows: Compare) -> None:
    rng = np.random.default_rng(4)
    user = np.repeat(np.arange(60), 20)
    rows = rng.normal(size=(60, 2))[user] + rng.normal(size=(1200, 2)) * 0.3

    found = compare_rows(CLASSIFIER, rows[:600], rows[600:], clusters=(user[:600], user[600:]))
    plain = compare_rows(CLASSIFIER, rows[:600], rows[600:])

    assert plain.p_value == 0.01
    assert found.p_value is not None
    assert found.p_value > 0.05
    assert found.details["clusters"] == 60


@pytest.mark.parametrize(("clusters", "sizes"), [(False, (80, 40)), (True, (100, 200))])
def test_false_alarms_are_as_frequent_as_promised(
    compare_rows: Compare,
    clusters: bool,  # noqa: FBT001 - a parameter
    sizes: tuple[int, int],
) -> None:
    rng = np.random.default_rng(5)
    each = 5 if clusters else 1
    p_values = []
    for _ in range(150):
        rows = [
            np.repeat(rng.normal(size=(n // each, 1)), each, axis=0) + rng.normal(size=(n, 2)) for n in sizes
        ]
        ids = [np.repeat(np.arange(n // each) + 1000 * side, each) for side, n in enumerate(sizes)]
        found = compare_rows(
            CLASSIFIER, *rows, clusters=tuple(ids) if clusters else (None, None), permutations=19
        )
        p_values.append(found.p_value)

    # 150 runs at 0.05: 7.5 are expected, 1 to 17 hold 99.9 % of the time.
    assert 1 <= np.count_nonzero(np.asarray(p_values) <= 0.05) <= 17


def test_different_columns(compare_rows: Compare) -> None:
    with pytest.raises(
        StatisticError, match=r"^rows have 3 numbers in the reference and 2 in the current window"
    ):
        compare_rows(CLASSIFIER, np.eye(3), np.eye(2))


@pytest.mark.parametrize("sizes", [(0, 50), (50, 0), (1, 50)])
def test_too_few_rows_for_a_figure(compare_rows: Compare, sizes: tuple[int, int]) -> None:
    found = compare_rows(CLASSIFIER, *(np.ones((n, 2)) for n in sizes))

    assert np.isnan(found.statistic)
    assert found.p_value is None


def test_too_few_clusters_to_judge_by_others(compare_rows: Compare) -> None:
    rows = np.random.default_rng(6).normal(size=(20, 2))

    with pytest.raises(StatisticError, match=r"^no fold holds clusters of both windows"):
        compare_rows(CLASSIFIER, rows[:10], rows[10:], clusters=(np.ones(10), np.full(10, 2)))


def test_clusters_of_text_and_of_numbers(compare_rows: Compare) -> None:
    rows = np.random.default_rng(6).normal(size=(20, 2))

    with pytest.raises(StatisticError, match=r"^cluster holds text in one window and numbers in the other"):
        compare_rows(CLASSIFIER, rows[:10], rows[10:], clusters=(np.arange(10), np.arange(10).astype(str)))


def test_what_is_frozen_is_plain_and_bounded(memory: Any) -> None:
    rng = np.random.default_rng(7)
    rows = memory(rng.normal(size=(5000, 2)), rng.integers(0, 400, 5000).astype(str).astype(object))
    terms = SampleTerms(
        columns=("a", "b"),
        seed=0,
        permutations=19,
        options=ClassifierOptions(sample_rows=200),
        clustered=True,
    )

    frozen = freeze(rows, terms)

    assert len(frozen["sample"]) <= 200
    assert all(array.dtype.kind in "biufU" for array in frozen.values())
