import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.errors import PayloadError
from recwatch_bridge.payload import parse_webhook

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
