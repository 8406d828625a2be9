from pathlib import Path

import pytest

from recwatch.errors import ConfigError
from recwatch_bridge.secret import Doorkeeper, Token, read_secret, read_webhook_url


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read (No such file or directory)"),
        (" \n", "must hold one word"),
        ("a b", "must hold one word"),
    ],
)
def test_unusable_secrets_are_named_by_key(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_secret(path, "tokens.0.file")
    assert str(caught.value).startswith(f"tokens.0.file: {path} {reason}")


@pytest.mark.parametrize(
    ("header", "scopes"),
    [
        ("Bearer old", {"alerts"}),
        ("bearer new", {"alerts", "manage"}),
        ("Bearer  new ", {"alerts", "manage"}),
        ("Basic new", None),
        ("Bearer new2", None),
        ("Bearer", None),
        ("Bearer \udcff", None),
        ("", None),
        (None, None),
    ],
)
def test_several_tokens_are_valid_at_once(header: str | None, scopes: set[str] | None) -> None:
    keeper = Doorkeeper([Token("old", frozenset({"alerts"})), Token("new", frozenset({"alerts", "manage"}))])
    holder = keeper.holder(header)
    assert (set(holder.scopes) if holder else None) == scopes


@pytest.mark.parametrize(
    "address", ["https://hooks.slack.com:abc/services/x", "https://", "hooks.slack.com/services/x"]
)
def test_an_unusable_webhook_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    path = tmp_path / "slack_url"
    path.write_text(address, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_webhook_url(path, "sinks.slack.webhook_url_file")
    assert str(caught.value) == (
        f"sinks.slack.webhook_url_file: {path} must hold a webhook's address, "
        "such as https://hooks.slack.com/services/..."
    )
