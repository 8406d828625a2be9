import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.accepting.payload import parse_webhook
from recwatch_bridge.errors import PayloadError

PAYLOADS = Path(__file__).with_name("payloads")


def test_payload_of_a_real_alertmanager() -> None:
    webhook = parse_webhook((PAYLOADS / "alertmanager-0.33-mixed.json").read_bytes())
    firing, resolved = webhook.alerts
    assert (firing.status, resolved.status) == ("firing", "resolved")
    assert firing.episode == ("8fa18f3202280b2a", "2026-11-21T04:14:21.419476+00:00")
    assert resolved.ends_at == datetime(2026, 11, 21, 4, 14, 24, tzinfo=UTC)
    assert webhook.of("firing") == [firing]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fingerprint": ""}, "alerts.0.fingerprint: String should have at least 1 character"),
        ({"status": "pending"}, "alerts.0.status: Input should be 'firing' or 'resolved'"),
        ({"labels": {"severity": 1}}, "alerts.0.labels.severity: Input should be a valid string"),
        ({"startsAt": "2026-11-21T03:15:00"}, "alerts.0.startsAt: Input should have timezone info"),
        (
            {"startsAt": "0001-01-01T00:00:00+05:00"},
            "alerts.0.startsAt: Value error, is outside the years that can be stored",
        ),
    ],
)
def test_what_is_refused(group: Any, alert: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse_webhook(json.dumps(group({**alert(), **change})).encode())
    assert str(caught.value) == reason


def test_many_mistakes_are_summed_up(group: Any) -> None:
    with pytest.raises(PayloadError, match=r"alerts\.0.*; and \d+ more$"):
        parse_webhook(json.dumps(group(*[{"status": "firing"}] * 3)).encode())


def test_null_is_an_empty_map(group: Any, alert: Any) -> None:
    body = group({**alert(), "annotations": None})
    assert parse_webhook(json.dumps(body).encode()).alerts[0].annotations == {}


def test_half_a_surrogate_is_refused(group: Any, alert: Any) -> None:
    body = json.dumps(group(alert(annotations={"summary": "\ud800"}))).encode()
    with pytest.raises(PayloadError):
        parse_webhook(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_webhook(body)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"a\u0000b\u0000\u0000", "a�b��"),
        (r"a\\u0000", r"a\u0000"),
        (r"a\\\u0000", "a\\�"),
    ],
)
def test_nul_character_does_not_cost_the_alert(group: Any, alert: Any, text: str, read: str) -> None:
    body = json.dumps(group(alert(annotations={"summary": "?"}))).encode()
    webhook = parse_webhook(body.replace(b'"?"', f'"{text}"'.encode()))
    assert webhook.alerts[0].annotations["summary"] == read


@pytest.mark.parametrize("fingerprint", ["f\x00", "ü", "a b", "f\n"])
def test_fingerprint_is_plain_text(group: Any, alert: Any, fingerprint: str) -> None:
    with pytest.raises(PayloadError, match=r"^alerts\.0\.fingerprint: String should match pattern"):
        parse_webhook(json.dumps(group(alert(fingerprint=fingerprint))).encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "body: Invalid JSON: recursion limit exceeded",
        ),
        (
            b'{"truncatedAlerts": ' + b"9" * 4_000 + b"}",
            "truncatedAlerts: Input should be less than or equal",
        ),
        (b'{"truncatedAlerts": ' + b"9" * 9_000 + b"}", "body: Invalid JSON: number out of range"),
        (b'{"receiver": "\xff"}', "body: Invalid JSON: invalid unicode code point"),
        ("{}".encode("utf-16"), "body: Invalid JSON"),
        (b"[]", "body: Input should be an object"),
        (b"", "body: Invalid JSON: EOF"),
    ],
)
def test_what_no_alertmanager_sends_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse_webhook(body)
    assert reason in str(caught.value)


@pytest.mark.parametrize("value", ["1e300", "179500000000000000000000", "NaN", '"yesterday"', "null"])
def test_time_that_is_none_is_refused(group: Any, alert: Any, value: str) -> None:
    body = json.dumps(group(alert(starts_at="?"))).replace('"?"', value).encode()
    with pytest.raises(PayloadError, match=r"^(alerts\.0\.startsAt|body): "):
        parse_webhook(body)
