"""Webhooks that are refused: Alertmanager gives them up, so that somebody must be able to find out."""

from typing import Any

import pytest
import requests

ALERTS, READ = "deliver-4f1c", "look-77ab"


@pytest.mark.parametrize(
    "path", ["/notify/email/", "/notify", "/actions/retrain/", "/watchdog/", "/notify/x"]
)
def test_a_wrong_path_is_said_and_leads_nowhere(
    site: Any, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    headers = {"Authorization": f"Bearer {ALERTS}", "Host": "evil.example"}
    answers = [
        requests.post(site.url + path, headers=headers, timeout=20, allow_redirects=False) for _ in range(2)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert "evil" not in answers[0].text
    assert "/notify/email" in answers[0].json()["error"] or "bridge.yml has: email" in answers[0].text
    assert site.counted("unknown_path") == 2
    [line] = [record.getMessage() for record in caplog.records if "does not send it again" in record.message]
    assert line.startswith(f"{path}: a webhook was refused with 404")


@pytest.mark.parametrize(("token", "status"), [(READ, 403), ("wrong", 401)])
def test_a_webhook_that_may_not_is_an_error_in_the_log(
    site: Any, caplog: pytest.LogCaptureFixture, token: str, status: int
) -> None:
    for _ in range(2):
        assert site.post("/notify/email", token=token, json={}).status_code == status
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(lines) == 1
    assert lines[0].startswith(f"/notify/email: a webhook was refused with {status}")
    assert token not in lines[0].split()
