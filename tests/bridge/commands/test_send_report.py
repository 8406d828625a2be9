import argparse
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch.report.errors import ReportError
from recwatch.testing import PrometheusServer, free_port
from recwatch_bridge.commands import send_report
from recwatch_bridge.config import BridgeConfig

Call = Callable[..., int]


@pytest.fixture
def server(workplace: Any) -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        workplace.settings["prometheus_url"] = started.url
        yield started


@pytest.fixture
def call(workplace: Any) -> Call:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    send_report.configure(parser)

    def run(*arguments: str) -> int:
        return send_report.run(load_config(workplace.config, BridgeConfig), parser.parse_args(arguments))

    return run


@pytest.mark.usefixtures("server")
def test_it_sends_the_report_now(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    assert capsys.readouterr().out == "email: delivered\n"
    [email] = workplace.mail.messages
    assert email["Subject"] == "[REPORT] 7 days: 1 critical, 1 warning"
    assert "Requests" in email.get_body(("plain",)).get_content()
    [file] = email.iter_attachments()
    assert (file.get_content_type(), file.get_content_charset()) == ("text/html", "utf-8")
    assert file.get_filename().startswith("recwatch-report-")
    assert "Needs attention" in file.get_content()
    assert not (workplace.folder / "data").exists()


@pytest.mark.usefixtures("server")
def test_slack_gets_the_summary(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--sink", "slack") == 0
    assert capsys.readouterr().out == "slack: delivered\n"
    assert workplace.mail.messages == []
    assert "The whole report goes by email." in str(workplace.slack.messages)


def test_the_token_is_sent(call: Call, workplace: Any, server: PrometheusServer) -> None:
    (workplace.folder / "prometheus_token").write_text("for-reading\n", encoding="utf-8")
    workplace.settings["prometheus_token_file"] = "prometheus_token"
    call()
    assert {question.authorization for question in server.messages} == {"Bearer for-reading"}


def test_what_stands_in_the_way_is_said(call: Call, workplace: Any) -> None:
    with pytest.raises(ConfigError, match="add prometheus_url"):
        call()
    workplace.settings["prometheus_url"] = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ReportError, match="no answer from Prometheus"):
        call()
    del workplace.settings["sinks"]["slack"]
    with pytest.raises(ConfigError, match=r"sinks\.slack: is not configured"):
        call("--sink", "slack")
