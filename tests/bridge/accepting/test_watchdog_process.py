"""The Watchdog of the real bridge, over HTTP and SMTP, and over a kill."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.all

SILENT = "[CRITICAL] WatchdogSilent: no alert may arrive"
HEARD = "[RESOLVED] WatchdogSilent: alerts arrive again"


def test_silence_is_mailed_once_over_a_kill_and_answered(
    workplace: Any, start: Callable[[], Any], group: Any, alert: Any
) -> None:
    workplace.settings["watchdog"] = {"timeout": "1s"}
    bridge = start()
    workplace.mail.wait_for(lambda message: message["Subject"] == SILENT, timeout=20)
    bridge.kill()
    bridge = start()
    answer = bridge.post("/watchdog", group(alert("Watchdog", labels={"severity": "none"})))
    assert (answer.status_code, answer.json()["new"]) == (200, 1)
    workplace.mail.wait_for(lambda message: message["Subject"] == HEARD, timeout=20)
    silent, heard = (
        [message for message in workplace.mail.messages if message["Subject"] == subject]
        for subject in (SILENT, HEARD)
    )
    assert heard[0]["References"] == silent[0]["Message-ID"]
    # It falls silent again, a second after it was heard.
    assert (len(silent) in {1, 2}, len(heard)) == (True, 1)
    assert workplace.slack.messages == []
