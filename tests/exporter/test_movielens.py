"""The facts of the design, on real ratings: what a drift gauge must and must not say."""

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.data import SideCounts
from recwatch_exporter.statistics.counts import Tally, align
from recwatch_exporter.statistics.permutation import draw_permutations, permutation_test


def counted(frame: pd.DataFrame, column: str) -> SideCounts:
    sizes = frame.groupby([column, "user_id"]).size().reset_index(name="n")
    return SideCounts(sizes[column].to_numpy(), sizes["n"].to_numpy(), sizes["user_id"].to_numpy())


def measure(
    reference: pd.DataFrame, current: pd.DataFrame, name: str, column: str, permutations: int = 999
) -> tuple[float, float]:
    kind = TYPES[name]
    assert isinstance(kind, CountType)
    counts = align(Tally.of(counted(reference, column)), Tally.of(counted(current, column)))
    compare = partial(kind.compare, counts.values)
    observed = float(compare(counts.reference, counts.current))
    draws = draw_permutations(counts, permutations, np.random.default_rng(0))
    return observed, permutation_test(observed, draws, compare, kind.bad).p_value


def split_users(frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    users = frame["user_id"].unique()
    first = frame["user_id"].isin(np.random.default_rng(seed).permutation(users)[: len(users) // 2])
    return frame[first], frame[~first]


def between(frame: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    return frame[(frame["timestamp"] >= start) & (frame["timestamp"] < end)]


def test_users_split_at_random_are_drift_to_the_plain_test_only(movielens: pd.DataFrame) -> None:
    plain = clustered = 0
    for seed in range(40):
        first, second = split_users(movielens, seed)
        plain += stats.ks_2samp(first["rating"], second["rating"]).pvalue < 0.05
        clustered += measure(first, second, "ks", "rating", 499)[1] <= 0.05

    assert plain >= 38
    assert clustered <= 5


def test_popularity_is_always_below_its_threshold_but_not_lower_than_chance(movielens: pd.DataFrame) -> None:
    found = [measure(*split_users(movielens, seed), "spearman", "item_id", 99) for seed in range(8)]

    assert all(0.6 < correlation < 0.8 for correlation, _ in found)
    assert sum(p_value <= 0.05 for _, p_value in found) <= 1


def test_half_stars_are_drift_of_the_scale_but_not_of_the_distribution(movielens: pd.DataFrame) -> None:
    start = datetime(2003, 5, 1, tzinfo=UTC)
    end = datetime(2003, 6, 5, tzinfo=UTC)
    reference = between(movielens, start - timedelta(days=60), start)
    current = between(movielens, end - timedelta(days=30), end)
    assert (len(reference), len(current)) == (1467, 559)

    distance, p_distance = measure(reference, current, "ks", "rating")
    index, p_index = measure(reference, current, "psi", "rating")

    assert distance == pytest.approx(0.118, abs=0.001)
    assert p_distance == pytest.approx(0.63, abs=0.05)
    assert index == pytest.approx(3.892, abs=0.001)
    assert p_index <= 0.005


def test_the_first_month_of_half_stars_against_all_that_came_before(movielens: pd.DataFrame) -> None:
    half_stars = datetime(2003, 5, 16, tzinfo=UTC)
    before = movielens[movielens["timestamp"] < half_stars]
    after = between(movielens, half_stars, datetime(2003, 6, 16, tzinfo=UTC))
    assert (len(after), after["user_id"].nunique()) == (497, 11)

    distance, p_value = measure(before, after, "ks", "rating")

    assert distance == pytest.approx(0.197, abs=0.001)
    assert p_value <= 0.01
