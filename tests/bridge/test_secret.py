from pathlib import Path

import pytest

from recwatch.errors import ConfigError
from recwatch_bridge.secret import Doorkeeper, Token, read_secret


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
    assert keeper.scopes(header) == scopes
