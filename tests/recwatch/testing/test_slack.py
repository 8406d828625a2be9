from typing import Any

import pytest
import requests

from recwatch.testing import SlackServer
from recwatch.testing.slack import find_fault


def test_it_keeps_what_it_is_sent() -> None:
    with SlackServer() as server:
        answer = requests.post(f"{server.url}services/T0/B0/secret", json={"text": "Drift"}, timeout=10)
        assert (answer.status_code, answer.text) == (200, "ok")
        assert server.wait_for(lambda payload: "Drift" in payload["text"]) == {"text": "Drift"}
        server.clear()
        assert server.messages == []


def test_it_refuses_on_request_and_then_behaves() -> None:
    with SlackServer() as server:
        server.fail_next(429, retry_after=3)
        server.fail_next(500)
        answers = [requests.post(server.url, json={"text": "Drift"}, timeout=10) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 500, 200]
        assert answers[0].headers["Retry-After"] == "3"
        assert len(server.messages) == 1


def test_it_answers_as_a_proxy_would() -> None:
    with SlackServer() as server:
        server.fail_next(200, body="<html>Sign in</html>", content_type="text/html")
        answer = requests.post(server.url, json={"text": "Drift"}, timeout=10)
        assert (answer.status_code, answer.text) == (200, "<html>Sign in</html>")
        assert answer.headers["Content-Type"].startswith("text/html")
        assert server.messages == []


def test_it_takes_posts_of_json_only() -> None:
    with SlackServer() as server:
        assert requests.get(server.url, timeout=10).status_code == 405
        answer = requests.post(server.url, data="not JSON", timeout=10)
        assert (answer.status_code, answer.text) == (400, "invalid_payload")
        assert server.messages == []


def test_a_taken_port_is_an_error() -> None:
    with SlackServer() as first, pytest.raises(OSError, match="in use"), SlackServer(port=first.port):
        pass


def section(text: str, kind: str = "section") -> dict[str, Any]:
    return {"type": kind, "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ({"text": "Drift"}, None),
        ({"blocks": [section("x" * 3000), section("x" * 150, "header"), {"type": "divider"}]}, None),
        ([], "invalid_payload"),
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"blocks": "none"}, "invalid_blocks"),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("x" * 151, "header")]}, "invalid_blocks"),
        ({"blocks": ["section"]}, "invalid_blocks"),
    ],
)
def test_it_finds_the_faults_that_slack_finds(payload: object, fault: str | None) -> None:
    assert find_fault(payload) == fault
