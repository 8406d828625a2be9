import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.errors import QualityError
from recwatch.quality.values import code, features_json, item, items, moment, number, text

NOW = 1_800_000_000.0


@pytest.mark.parametrize("value", [None, 17, b"a", "", "x" * 201, "a\x00b", "\ud800", ["a"]])
def test_what_is_no_id_is_refused(value: object) -> None:
    with pytest.raises(QualityError, match="prediction_id must be a text of 1 to 200 characters"):
        text(value, "prediction_id")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200))
def test_any_other_text_is_an_id(value: str) -> None:
    assert text(value, "prediction_id") == value


def test_an_absurdly_long_id_is_not_repeated_in_the_message() -> None:
    with pytest.raises(QualityError, match="a text of 1000000 characters") as caught:
        text("x" * 1_000_000, "prediction_id")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.True_, 1.0),
        (Decimal("4.5"), 4.5),
    ],
)
def test_numbers_of_many_kinds_are_taken(value: object, expected: float) -> None:
    assert number(value, "label") == expected


@pytest.mark.parametrize(
    "value", [None, "1", b"1", math.nan, math.inf, np.float64("nan"), 10**400, 1j, np.array([1.0]), [1]]
)
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(QualityError, match="label must be a finite number"):
        number(value, "label")


def test_a_moment_is_now_by_default() -> None:
    assert moment(None, NOW, "timestamp") == NOW


def test_a_moment_is_read_in_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert moment(datetime(2026, 11, 21, 12, tzinfo=tokyo), NOW, "timestamp") == moment(
        datetime(2026, 11, 21, 3, tzinfo=UTC), NOW, "timestamp"
    )


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 21),  # noqa: DTZ001 - what is to be refused
        "2026-11-21",
        NOW,
        datetime(1969, 1, 1, tzinfo=UTC),
        datetime.fromtimestamp(NOW + 3_601, UTC),
    ],
)
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(QualityError, match="labelled_at must"):
        moment(value, NOW, "labelled_at")


def test_a_clock_may_be_a_little_ahead() -> None:
    assert moment(datetime.fromtimestamp(NOW + 600, UTC), NOW, "timestamp") == NOW + 600


def test_items_keep_their_kind_and_order() -> None:
    assert items([3, "3", np.int32(1)], "items") == (3, "3", 1)
    assert type(item(np.int64(1), "item")) is int


@pytest.mark.parametrize("value", [True, 1.5, None, ""])
def test_what_is_no_item_is_refused(value: object) -> None:
    with pytest.raises(QualityError):
        item(value, "item")


def test_features_are_kept_as_json() -> None:
    kept = features_json(
        {"age": np.int64(3), "genres": ["drama"], "vector": np.array([0.5, 1.0]), "none": None}
    )
    assert kept is not None
    assert json.loads(kept) == {"age": 3, "genres": ["drama"], "vector": [0.5, 1.0], "none": None}
    assert features_json(None) is None


LOOP: dict[str, Any] = {}
LOOP["itself"] = LOOP


@pytest.mark.parametrize("value", [{"x": math.nan}, {"x": object()}, {"x": "y" * 20_000}, 5, LOOP])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(QualityError, match="features must be"):
        features_json(value)


def test_codes_are_the_same_in_every_process_and_fit_a_float() -> None:
    assert code("user-17") == 394_907_069_641_127
    assert code(17) != code("17")
    assert all(int(float(code(number))) == code(number) for number in range(1_000))


def test_a_text_says_whose_it_is() -> None:
    with pytest.raises(QualityError, match="variant must be a text"):
        text(None, "variant")
