import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from recwatch.errors import RecwatchError
from recwatch.testing import SlackServer, make_certificate


@pytest.fixture(autouse=True)
def _needs_openssl(require_component: Callable[..., None]) -> None:
    remedy = "apt-get install openssl"
    require_component("openssl", is_there=shutil.which("openssl") is not None, remedy=remedy)


def is_trusted(slack: SlackServer, *, verify: bool | str) -> bool:
    # The error would keep the connection open for as long as pytest keeps the error.
    try:
        return requests.post(slack.url, json={"text": "Drift"}, timeout=10, verify=verify).text == "ok"
    except requests.exceptions.SSLError:
        return False


def test_a_server_with_it_is_trusted_by_who_trusts_it(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with SlackServer(certificate=certificate) as slack:
        assert slack.url.startswith("https://127.0.0.1:")
        assert is_trusted(slack, verify=str(certificate.file))
        assert not is_trusted(slack, verify=True)


def test_it_is_for_one_name(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "mail.example.com")
    with SlackServer(certificate=certificate) as slack:
        assert not is_trusted(slack, verify=str(certificate.file))


def test_without_openssl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecwatchError, match="openssl is missing"):
        make_certificate(tmp_path)


def test_what_openssl_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecwatchError, match="openssl made no certificate"):
        make_certificate(tmp_path / "missing")
