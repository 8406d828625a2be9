import argparse
from collections.abc import Callable
from typing import Any

import pytest

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch.testing import free_port
from recwatch_bridge.commands import send_test
from recwatch_bridge.config import BridgeConfig

Call = Callable[..., int]


@pytest.fixture
def call(workplace: Any) -> Call:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    send_test.configure(parser)

    def run(*arguments: str) -> int:
        return send_test.run(load_config(workplace.config, BridgeConfig), parser.parse_args(arguments))

    return run


def test_it_sends_through_every_sink(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    assert capsys.readouterr().out == "email: delivered\nslack: delivered\n"
    [email], [payload] = workplace.mail.messages, workplace.slack.messages
    assert email["Subject"] == "[INFO] Test of recwatch-bridge"
    assert "This is a test" in payload["text"]
    assert not (workplace.folder / "data").exists()


def test_it_sends_through_one_sink(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--sink", "slack") == 0
    assert capsys.readouterr().out == "slack: delivered\n"
    assert workplace.mail.messages == []


def test_it_says_what_is_wrong(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    workplace.settings["sinks"]["email"]["port"] = port
    workplace.slack.fail_next(404)
    assert call() == 1
    email, slack = capsys.readouterr().out.splitlines()
    assert email.startswith(f"email: not delivered: no connection to 127.0.0.1:{port}: ConnectionRefused")
    assert slack == (
        "slack: refused: Slack said 404 refused on request: the webhook was removed: make a new one "
        "(an alert would become a dead letter)"
    )


def test_a_host_that_is_not_found_is_said(
    call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    workplace.settings["sinks"]["email"]["host"] = "mail.invalid"
    (workplace.folder / "slack_url").write_text("http://hooks.invalid/T0/secret", encoding="utf-8")
    assert call() == 1
    told = capsys.readouterr().out
    email, slack = told.splitlines()
    assert "no connection to mail.invalid" in email
    assert "gaierror" in email
    assert "no answer from Slack: gaierror" in slack
    assert "secret" not in told


def test_a_sink_that_is_not_configured_is_named(call: Call, workplace: Any) -> None:
    del workplace.settings["sinks"]["slack"]
    with pytest.raises(ConfigError, match="slack: is not configured"):
        call("--sink", "slack")


def test_certificates_that_cannot_be_read_are_named(call: Call, workplace: Any) -> None:
    workplace.settings["sinks"]["email"]["ca_file"] = "ca.pem"
    with pytest.raises(ConfigError, match=r"sinks.email.ca_file: .*ca.pem cannot be used \(No such file"):
        call()
    (workplace.folder / "ca.pem").write_text("nonsense", encoding="utf-8")
    with pytest.raises(ConfigError, match="write the certificates to trust into it, as PEM"):
        call()
