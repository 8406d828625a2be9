import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage

import pytest
import requests

from recwatch.testing import free_port, wait_until


class Running:
    """An inbox in a process of its own."""

    def __init__(self) -> None:
        self.smtp, self.slack, self.web = free_port(), free_port(), free_port()
        ports = [f"--smtp-port={self.smtp}", f"--slack-port={self.slack}", f"--web-port={self.web}"]
        command = [sys.executable, "-m", "recwatch.testing.inbox", *ports]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        wait_until(self._answers, timeout=30)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.web}{path}", timeout=10)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the inbox ended"
        try:
            return self.get("/-/healthy").text == "ok"
        except requests.ConnectionError:
            return False


@pytest.fixture
def inbox() -> Iterator[Running]:
    running = Running()
    yield running
    running.process.kill()
    running.process.communicate()


def test_mail_and_slack_arrive_on_one_page(inbox: Running) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "<b>Drift</b>", "alerts@example.com", "team@example.com"
    mail.set_content("rating_scale")
    with smtplib.SMTP("127.0.0.1", inbox.smtp, timeout=10) as client:
        client.send_message(mail)
    requests.post(f"http://127.0.0.1:{inbox.slack}/", json={"text": "Promoted\nals v2"}, timeout=10)

    messages = inbox.get("/api/messages").json()
    assert [{**message, "at": ""} for message in messages] == [
        {
            "kind": "email",
            "at": "",
            "subject": "<b>Drift</b>",
            "text": "rating_scale",
            "to": "team@example.com",
        },
        {"kind": "slack", "at": "", "subject": "Promoted", "text": "als v2", "to": ""},
    ]
    assert all(datetime.fromisoformat(message["at"]).tzinfo for message in messages)

    page = inbox.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "&lt;b&gt;Drift&lt;/b&gt;" in page.text
    assert inbox.get("/cards").text in page.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_well(inbox: Running, number: signal.Signals) -> None:
    inbox.process.send_signal(number)
    _, errors = inbox.process.communicate(timeout=30)
    assert inbox.process.returncode == 0
    assert "Traceback" not in errors
    assert " | INFO | Inbox started | web=http://127.0.0.1:" in errors


def test_a_taken_port_is_said_in_one_line(inbox: Running) -> None:
    command = [sys.executable, "-m", "recwatch.testing.inbox", f"--smtp-port={inbox.smtp}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert "Cannot listen" in result.stderr
    assert "Traceback" not in result.stderr
