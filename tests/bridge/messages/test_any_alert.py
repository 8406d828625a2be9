"""Whatever alerts say, a message can be made of it, and Slack and mail programs can take it."""

import json
from email import message_from_bytes
from email.policy import default
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch.testing.slack import find_fault
from recwatch_bridge.accepting.payload import parse_webhook
from recwatch_bridge.messages.compose import compose
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.messages.renderer import Renderer

ODD = st.text(alphabet=st.sampled_from("a$<>&|{}%\"'`*_~:@#\\\n\r\t\x1b\u202e漢\U0001f525 "), max_size=60)
TEXT = st.one_of(ODD, st.text(max_size=60), st.just("x&" * 3_000))
NAMES = ("summary", "description", "recommendation", "value", "threshold", "runbook_url", "dashboard_url")
ALERT = st.fixed_dictionaries(
    {
        "labels": st.dictionaries(
            st.sampled_from(["alertname", "severity", "model", "check", "{{7*7}}"]), TEXT, max_size=5
        ),
        "annotations": st.dictionaries(
            st.sampled_from(NAMES), st.one_of(TEXT, st.just("https://x/<" + "&" * 800)), max_size=7
        ),
        "startsAt": st.sampled_from(
            ["2026-11-21T03:15:00.123Z", "0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"]
        ),
        "generatorURL": st.sampled_from(["", "http://p/graph?" + "&" * 880, "javascript:alert(1)"]),
    }
)


@settings(max_examples=60)
@given(
    alerts=st.lists(ALERT, min_size=1, max_size=60),
    status=st.sampled_from(["firing", "resolved"]),
    reminder=st.booleans(),
    truncated=st.integers(min_value=0, max_value=9),
)
def test_a_message_can_be_made_of_it(
    message: Any, *, alerts: list[dict[str, Any]], status: str, reminder: bool, truncated: int
) -> None:
    told = [
        {**alert, "status": status, "fingerprint": f"f{number}", "endsAt": "2026-11-22T00:00:00Z"}
        for number, alert in enumerate(alerts)
    ]
    body = {"status": status, "alerts": told, "truncatedAlerts": truncated}
    webhook = parse_webhook(json.dumps(body).encode())
    said = compose(webhook, webhook.alerts, now=1_800_000_000.0, reminder=reminder)
    assert Notification.from_json(said.to_json()) == said
    assert len(said.to_json()) < 200_000

    renderer = Renderer(external_url="https://bridge.example")
    slack = renderer.slack(message(said))
    assert find_fault(slack) is None
    assert json.loads(json.dumps(slack)) == slack

    email = renderer.email(message(said), sender="a@example.com", to=["b@example.com"])
    arrived = message_from_bytes(email.as_bytes(), policy=default)
    assert arrived["Bcc"] is None
    html = arrived.get_body(("html",))
    assert html is not None
    assert 'href="javascript' not in html.get_content()
