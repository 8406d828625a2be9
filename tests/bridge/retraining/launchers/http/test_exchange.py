import pytest

from recwatch_bridge.retraining.launchers.http.exchange import (
    Answer,
    UnusableError,
    retry_after,
    segment,
    usable,
    web_address,
)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 200_000])
def test_answers_that_are_no_object(body: bytes) -> None:
    with pytest.raises(UnusableError, match="it answered 200 with something else than a JSON object"):
        usable(Answer(200, body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "No ref\\nfound"}', "it answered 422: No ref found"),
        (b'{"detail": [{"loc": 1}]}', "it answered 422"),
        (b"<html>", "it answered 422"),
    ],
)
def test_why_an_answer_is_none(body: bytes, said: str) -> None:
    assert Answer(422, body).why == said


def test_retry_after() -> None:
    asked = [{"retry-after": text} for text in ("30", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "9" * 50)]
    assert [retry_after(headers) for headers in ({}, *asked)] == [0.0, 30.0, 60.0, 60.0, 60.0]


def test_a_segment_stays_one() -> None:
    assert segment("../a?b#c%") == "..%2Fa%3Fb%23c%25"


@pytest.mark.parametrize("good", ["https://ci.example/runs/1?a=b", "http://localhost:8080"])
def test_addresses_to_link_to(good: str) -> None:
    assert web_address(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        "javascript:alert(1)",
        "https://user:word@ci.example/",
        "https://a b",
        'https://a/"onclick',
        "https://a/\ud800",
        "https://a/\0",
        "https://a/\u202e",
        "",
    ],
)
def test_addresses_not_to_link_to(bad: object) -> None:
    assert web_address(bad) is None
