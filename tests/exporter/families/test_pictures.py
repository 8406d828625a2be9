from typing import Any

import numpy as np
import pytest

from recwatch_exporter.checks.chi2 import CHI2
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.ks import KS
from recwatch_exporter.checks.spearman import SPEARMAN
from recwatch_exporter.checks.unseen import UNSEEN
from recwatch_exporter.families.counted import Counted
from recwatch_exporter.families.pictures import describe
from recwatch_exporter.statistics.counts import Counts


def described(
    kind: CountType, values: list[Any], reference: list[float], current: list[float], **options: int
) -> dict[str, Any]:
    counts = Counts(np.array(values), np.array(reference, dtype=float), np.array(current, dtype=float))
    return describe(
        kind,
        Counted(
            counts=counts,
            values=counts.values,
            edges=None,
            options=options,
            rows=(0, 0),
            totals=(0, 0),
            moments=None,
        ),
    )


def test_few_values_are_shown_one_by_one() -> None:
    bins = described(KS, [0.5, 1.0, 10.0], [1, 1, 2], [0, 4, 0])["bins"]

    assert bins == {
        "labels": ["0.5", "1", "10"],
        "reference": [0.25, 0.25, 0.5],
        "current": [0.0, 1.0, 0.0],
    }


def test_many_categories_end_in_the_rest() -> None:
    names = [f"c{number:03}" for number in range(100)]

    bins = described(CHI2, names, list(range(100)), [1] * 100)["bins"]

    assert len(bins["labels"]) == 40
    assert (bins["labels"][0], bins["labels"][-1]) == ("c099", "other")
    assert sum(bins["reference"]) == pytest.approx(1)
    assert bins["current"][-1] == pytest.approx(0.61)


def test_many_numbers_are_a_histogram_that_outliers_do_not_flatten() -> None:
    values = [*range(200), 10**9]

    bins = described(KS, values, [1] * 201, [2] * 201)["bins"]

    assert len(bins["labels"]) == 20
    assert bins["labels"][1].startswith("1 to") or bins["labels"][0] == "up to 2"
    assert max(bins["reference"]) < 0.1


def test_numbers_that_are_names_are_no_histogram() -> None:
    codes = list(range(1000, 1100))

    bins = described(UNSEEN, codes, [1.0] * 100, [1.0] * 99 + [50.0])["bins"]

    assert (bins["labels"][0], bins["labels"][-1]) == ("1099", "other")


def test_bins_that_were_compared_are_shown_and_weighed() -> None:
    details = described(CHI2, list(range(100)), [1.0] * 100, [1.0] * 50 + [0.0] * 50, bins=4)

    assert details["bins"]["labels"] == ["up to 24", "24 to 49", "49 to 74", "above 74"]
    assert details["bins"]["current"] == [0.5, 0.5, 0.0, 0.0]
    assert {item["bin"] for item in details["contributions"][:2]} == {"49 to 74", "above 74"}


def test_items_that_did_not_move_are_not_named() -> None:
    details = described(SPEARMAN, ["a", "b", "c"], [2, 1, 1], [2, 2, 0])

    assert details["rose"] == [{"id": "b", "reference": 0.25, "current": 0.5}]
    assert details["fell"] == [{"id": "c", "reference": 0.25, "current": 0.0}]


@pytest.mark.parametrize("kind", [KS, CHI2, SPEARMAN])
def test_no_rows_at_all(kind: CountType) -> None:
    assert described(kind, [], [], [])["bins"] == {"labels": [], "reference": [], "current": []}
    assert described(kind, [1.0], [3], [0])["bins"]["current"] == [0.0]
