"""Email and Slack, over TLS and with logins as the page shows them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing import MailServer, SlackServer, make_certificate
from recwatch_bridge.main import main

PASSWORD = "a-password-for-tests"


@pytest.fixture
def certificate(require_component: Any, tmp_path: Path) -> Any:
    there = shutil.which("openssl") is not None
    require_component("openssl", is_there=there, remedy="apt-get install openssl")
    return make_certificate(tmp_path)


def test_email(
    *, workplace: Any, set_up: Any, start: Any, secret_of: Any, certificate: Any, alert: Any, group: Any
) -> None:
    set_up("Email", secrets={"smtp_password": PASSWORD})
    email = workplace.settings["sinks"]["email"]
    users = {email["user"]: PASSWORD}
    with MailServer(tls="starttls", certificate=certificate, users=users) as mail:
        email.update(host=mail.host, port=mail.port, ca_file=str(certificate.file))
        bridge = start()
        answer = bridge.post("/notify/email", group(alert()), token=secret_of("alertmanager_token"))
        assert answer.status_code == 200
        told = mail.wait_for(lambda _: True, timeout=90)
        assert told["Subject"] == "[WARNING] DriftDetected: rating_scale has drifted"
        assert (told["From"], told["To"]) == ("alerts@example.com", "team@example.com")


def test_slack(
    *, workplace: Any, set_up: Any, start: Any, slack: SlackServer, alert: Any, group: Any
) -> None:
    set_up("Slack", secrets={"slack_url": slack.url})
    assert set(workplace.settings["sinks"]) == {"slack"}
    bridge = start()
    assert bridge.post("/notify/slack", group(alert())).status_code == 200
    told = slack.wait_for(lambda _: True, timeout=90)
    assert told["text"].startswith("*[WARNING] DriftDetected: rating_scale has drifted*")
    assert bridge.post("/notify/email", group(alert())).status_code == 404


def test_the_commands_that_try_it(
    workplace: Any, set_up: Any, slack: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("Slack", secrets={"slack_url": slack.url})
    for command in ("--check-config", "send-test"):
        assert main(["--config.file", str(workplace.config), command]) == 0
    assert capsys.readouterr().out == f"{workplace.config}: good\nslack: delivered\n"
    assert "Test of recwatch-bridge" in slack.wait_for(lambda _: True, timeout=90)["text"]
