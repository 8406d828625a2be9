import numpy as np
import pytest

from recwatch_exporter.data import Slotted
from recwatch_exporter.statistics.exposure import (
    MOST_BASE_SLOTS,
    at_length,
    base_slot,
    deal,
    fits,
    frozen_slots,
    ratio_of,
    slots_of,
    whole_slots,
    without_slots,
)


@pytest.mark.parametrize(
    ("ratio", "slots"), [(1.0, 1), (1.5, 1), (1.99, 2), (60 / 7, 8), (60.0, 60), (500.0, 64), (0.999, 1)]
)
def test_the_longer_window_holds_whole_slots_and_not_too_many(ratio: float, slots: int) -> None:
    assert whole_slots(ratio) == slots


@pytest.mark.parametrize("rate", [0.4, 3.0, 30.0])
@pytest.mark.parametrize("ratio", [2.0, 60 / 7, 1 / 5])
def test_the_ratio_is_found_by_the_clusters_in_both_windows_however_few_rows_each_has(
    rate: float, ratio: float
) -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, rate / 2, 20_000)
    longer, shorter = rng.poisson(rates * max(1, ratio)), rng.poisson(rates * max(1, 1 / ratio))

    found = ratio_of(longer.astype(float), shorter.astype(float))

    assert found == pytest.approx(ratio, rel=0.1)


def test_windows_of_about_the_same_time_or_with_few_clusters_in_both_have_no_ratio() -> None:
    rows = np.full(50, 10.0)

    assert ratio_of(rows, rows * 1.1) is None
    assert ratio_of(rows[:4], rows[:4] * 9) is None
    assert ratio_of(np.r_[rows, rows * 0], np.r_[rows * 0, rows]) is None


def test_rows_are_dealt_to_slots_of_the_shorter_windows_share() -> None:
    counts = np.array([1000.0, 3000.0])

    entry, dealt, slots = deal(counts, 2.5)

    assert slots.number == 2
    np.testing.assert_allclose(np.bincount(entry, weights=dealt), counts)
    np.testing.assert_allclose(np.bincount(slots.slot, weights=dealt), [1600, 1600, 800], rtol=0.1)


@pytest.mark.parametrize(
    ("length", "other", "number"),
    [(60, 7, 8), (365, 1, 64), (100, 1, 64), (150, 1, 64), (7, 7, 1), (10, 7, 1), (10_000, 1, 64)],
)
def test_base_slots_become_slots_of_the_current_windows_length(
    length: float, other: float, number: int
) -> None:
    slot, base = base_slot(length, other)
    frozen = frozen_slots(Slotted(np.arange(base + 1), base)) | {"other": np.ones(3)}

    merged = slots_of(at_length(frozen, other / slot))

    assert base <= MOST_BASE_SLOTS
    assert fits(other / slot)
    assert merged is not None
    assert merged.number == number
    assert np.bincount(merged.slot)[:number] * slot == pytest.approx(other)


def test_a_window_of_unknown_company() -> None:
    slot, base = base_slot(60, None)

    assert (slot, base) == (60 / MOST_BASE_SLOTS, MOST_BASE_SLOTS)
    assert [fits(days / slot) for days in (0.005, 0.022)] == [False, False]
    assert all(fits(days / slot) for days in (0.0295, 0.2, 1, 7, 59.9))


def test_slots_that_go_with_the_rest_alone() -> None:
    frozen = frozen_slots(Slotted(np.arange(5), 4)) | {"other": np.ones(3)}

    assert list(without_slots(frozen)) == ["other"]
    assert slots_of(without_slots(frozen)) is None
