"""Slack, well and ill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError
from recwatch.testing import SlackServer, free_port, wait_until
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.sinks.slack import SlackSink, retry_after
from recwatch_bridge.secret import read_webhook_url

Begin = Callable[..., DeliveryWorker]


def test_slack_keeps_order_and_honours_retry_after(box: Any, begin: Begin, slack: SlackServer) -> None:
    slack.fail_next(429, retry_after=1)
    box.put("firing", "alert:a", sink="slack")
    box.put("resolved", "alert:a", sink="slack")
    asked = wall()
    begin(SlackSink(slack.url, min_interval=0.0))
    wait_until(lambda: box.states()[0][1] == 1)
    with box.store.read() as connection:
        first = outbox.newest(connection, 2)[0]
    assert first.next_attempt >= asked + 1
    assert [state for state, _, _ in box.settled()] == ["delivered", "delivered"]
    assert [payload["text"].splitlines()[0] for payload in slack.messages] == ["*firing*", "*resolved*"]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (400, ""),
        (403, ": the webhook was removed: make a new one"),
        (404, ": the webhook was removed: make a new one"),
        (410, ": its channel is archived: make a webhook for another"),
    ],
)
def test_slack_4xx_is_final(box: Any, begin: Begin, slack: SlackServer, code: int, remedy: str) -> None:
    slack.fail_next(code)
    box.put("one", sink="slack")
    begin(SlackSink(slack.url, min_interval=0.0))
    assert box.settled() == [("dead", 1, f"Slack said {code} refused on request{remedy}")]


@pytest.mark.parametrize("code", [302, 500, 503])
def test_slack_that_is_ill_is_tried_again(box: Any, begin: Begin, slack: SlackServer, code: int) -> None:
    slack.fail_next(code)
    box.put("one", sink="slack")
    begin(SlackSink(slack.url, min_interval=0.0))
    assert box.settled() == [("delivered", 2, None)]


@pytest.mark.parametrize("code", [201, 302])
def test_ok_with_another_code_is_no_delivery(box: Any, begin: Begin, slack: SlackServer, code: int) -> None:
    slack.fail_next(code, body="ok")
    box.put("one", sink="slack")
    begin(SlackSink(slack.url, min_interval=0.0))
    assert box.settled() == [("delivered", 2, None)]


def test_slack_address_appears_nowhere(box: Any, begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    box.put("one", sink="slack")
    begin(SlackSink(f"http://127.0.0.1:{free_port()}/services/T0/B0/secret", min_interval=0.0))
    wait_until(lambda: box.states()[0][1] >= 1)
    assert box.states()[0][2] == "no answer from Slack: ConnectionRefusedError: Connection refused"
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        ("999999", 3600.0),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:00:20 GMT", 20.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, 1_800_000_000.0) == seconds


def test_secret_file_of_the_address(tmp_path: Path) -> None:
    path = tmp_path / "slack_url"
    path.write_text("hooks.slack.example/T0/secret\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_webhook_url(path, "sinks.slack.webhook_url_file")
    assert "secret\n" not in str(caught.value)
    assert "must hold a webhook's address, such as https://hooks.slack.com/services/..." in str(caught.value)
