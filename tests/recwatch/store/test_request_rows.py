from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recwatch.serving import RecommenderRequest
from recwatch.store import requests
from recwatch.store.request_rows import COLUMNS, row_maker
from recwatch.user_ids import UserIds

MakeRequest = Callable[..., RecommenderRequest]
AT = datetime(2026, 11, 21, 3, 15, 0, 250_000, tzinfo=UTC)


def unexpected(column: str, error: Exception) -> None:
    raise AssertionError(column) from error


def row_of(request: RecommenderRequest, user_ids: UserIds | None = None) -> dict[str, Any]:
    make = row_maker(user_ids or UserIds(), times_as_text=False, on_odd=unexpected)
    return dict(zip(COLUMNS, make(request), strict=True))


def test_a_row_has_every_column_but_the_number() -> None:
    assert ("id", *COLUMNS) == tuple(requests.c.keys())


def test_every_attribute_finds_its_column(make_request: MakeRequest) -> None:
    request = make_request(
        "als",
        "b",
        timestamp=AT.timestamp(),
        seconds=0.082,
        version="v2_20250116_141500",
        user_id=12345,
        topk=10,
        exclude_seen=True,
        filters={"genre": ["Comedy"]},
        request_id="abc",
        items=(1, 2, 3),
        fallback_method="popularity",
        was_reranked=True,
        content_score=0.5,
        semantic_alignment=-0.25,
        diversity=0.75,
    )
    assert row_of(request) == {
        "timestamp": AT.replace(tzinfo=None),
        "user_id": "12345",
        "topk": 10,
        "exclude_seen": True,
        "filter_params": '{"genre": ["Comedy"]}',
        "latency_ms": pytest.approx(82.0),
        "num_recommendations": 3,
        "fallback": True,
        "fallback_method": "popularity",
        "error": None,
        "model_id": "als_v2_20250116_141500",
        "variant": "b",
        "rerank_enabled": True,
        "content_score": 0.5,
        "semantic_alignment": -0.25,
        "diversity": 0.75,
        "status": "success",
        "request_id": "abc",
    }


def test_what_was_not_said_is_null(make_request: MakeRequest) -> None:
    row = row_of(make_request())
    assert row.pop("timestamp") == datetime(1970, 1, 1)  # noqa: DTZ001 - as the database holds it
    said = {name: value for name, value in row.items() if value is not None}
    assert said == {
        "latency_ms": 0.0,
        "fallback": False,
        "model_id": "als",
        "variant": "default",
        "rerank_enabled": False,
        "status": "success",
    }


def test_an_error_keeps_its_class(make_request: MakeRequest) -> None:
    row = row_of(make_request(outcome="error", error="KeyError"))
    assert (row["status"], row["error"]) == ("error", "KeyError")


def test_nothing_returned_is_not_the_same_as_nothing_said(make_request: MakeRequest) -> None:
    assert row_of(make_request(items=()))["num_recommendations"] == 0
    assert row_of(make_request(items=None))["num_recommendations"] is None


def test_numbers_of_numpy_become_numbers_of_python(make_request: MakeRequest) -> None:
    row = row_of(make_request(topk=np.int64(10), exclude_seen=np.bool_(1), diversity=np.float32(0.5)))
    assert [type(row[name]) for name in ("topk", "exclude_seen", "diversity")] == [int, bool, float]


def test_a_score_that_is_no_number_is_null(make_request: MakeRequest) -> None:
    assert row_of(make_request(content_score=float("nan")))["content_score"] is None


@pytest.mark.parametrize(("given", "kept"), [("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("Zoë", "Zoë")])
def test_texts_are_what_every_database_takes(make_request: MakeRequest, given: str, kept: str) -> None:
    row = row_of(make_request(user_id=given, request_id=given))
    assert (row["user_id"], row["request_id"]) == (kept, kept)


def test_users_are_hashed_or_left_out(make_request: MakeRequest, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    hashed = row_of(make_request(user_id=12345), UserIds("hashed", key))["user_id"]
    assert len(hashed) == 64
    assert "12345" not in hashed
    assert row_of(make_request(user_id=12345), UserIds("omitted"))["user_id"] is None


def test_times_are_as_sqlite_holds_them(make_request: MakeRequest) -> None:
    make = row_maker(UserIds(), times_as_text=True, on_odd=unexpected)
    assert make(make_request(timestamp=AT.timestamp()))[0] == "2026-11-21 03:15:00.250000"
    assert make(make_request(timestamp=0.0))[0] == "1970-01-01 00:00:00.000000"


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR


@pytest.mark.parametrize(
    ("attribute", "value", "column"),
    [
        ("topk", "all", "topk"),
        ("topk", 2**31, "topk"),
        ("topk", -(2**31) - 1, "topk"),
        ("topk", float("inf"), "topk"),
        ("filters", {("a", "b"): 1}, "filter_params"),
        ("filters", {"year": float("nan")}, "filter_params"),
        ("filters", {"x": Unprintable()}, "filter_params"),
        ("filters", CIRCULAR, "filter_params"),
        ("exclude_seen", Unprintable(), "exclude_seen"),
        ("user_id", Unprintable(), "user_id"),
        ("request_id", Unprintable(), "request_id"),
        ("fallback_method", Unprintable(), "fallback_method"),
        ("diversity", "wide", "diversity"),
    ],
)
def test_an_odd_argument_costs_its_column_alone(
    make_request: MakeRequest, attribute: str, value: object, column: str
) -> None:
    odd = []
    make = row_maker(UserIds(), times_as_text=False, on_odd=lambda column, _error: odd.append(column))
    usual = {"user_id": 1, "topk": 10, "exclude_seen": True, "filters": {"a": 1}, "request_id": "r-1"}
    row = dict(zip(COLUMNS, make(make_request(**{**usual, attribute: value})), strict=True))
    expected = {"user_id": "1", "topk": 10, "exclude_seen": True, "filter_params": '{"a": 1}'}
    expected |= {"request_id": "r-1", "fallback_method": None, "diversity": None, column: None}
    assert {name: row[name] for name in expected} == expected
    assert odd == [column]


def test_the_ends_of_an_integer_are_kept(make_request: MakeRequest) -> None:
    assert [row_of(make_request(topk=end))["topk"] for end in (-(2**31), 2**31 - 1)] == [-(2**31), 2**31 - 1]
