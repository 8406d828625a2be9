import socket
from typing import Any

import pytest

from recwatch_bridge.main import main

pytestmark = pytest.mark.usefixtures("logs_as_before")


def test_good_configuration(workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(workplace.config)
    assert main(["--config.file", config, "--check-config"]) == 0
    assert capsys.readouterr().out == f"{config}: good\n"
    assert not (workplace.folder / "data").exists()


def test_missing_secret(workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace.folder / "slack_url").unlink()
    assert main(["--config.file", str(workplace.config), "--check-config"]) == 1
    assert capsys.readouterr().err.startswith(f"{workplace.config}: sinks.slack.webhook_url_file: ")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999"])
def test_bad_listen_address(workplace: Any, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config.file", str(workplace.config), "--web.listen-address", address]) == 1
    assert "write it as 127.0.0.1:9095" in capsys.readouterr().err


def test_port_taken_is_said(workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["--config.file", str(workplace.config), "--web.listen-address", address]) == 1
    assert capsys.readouterr().err.startswith(f"{address}: cannot listen there (")
