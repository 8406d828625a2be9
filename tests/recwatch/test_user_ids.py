import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError
from recwatch.user_ids import UserIds

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    return path


@pytest.mark.parametrize("user_id", [12345, "u-1", 0, "", None])
def test_plain_keeps_and_omitted_leaves_out(user_id: int | str | None) -> None:
    assert UserIds()(user_id) == user_id
    assert UserIds("omitted")(user_id) is None


def test_hashed_is_hmac_sha256_of_the_text(key_file: Path) -> None:
    hashed = UserIds("hashed", key_file)
    expected = hmac.new(KEY, b"12345", hashlib.sha256).hexdigest()
    assert hashed(12345) == hashed("12345") == expected
    assert UserIds("hashed", str(key_file))(12345) == expected
    assert hashed(None) is None
    assert hashed(12346) != expected


def test_hashed_takes_any_text(key_file: Path) -> None:
    assert len(str(UserIds("hashed", key_file)("\ud800 người dùng \x00"))) == 64


def test_another_key_makes_another_user(key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(KEY[::-1])
    assert UserIds("hashed", key_file)(1) != UserIds("hashed", tmp_path / "other")(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the key is empty, it needs at least 32"),
        (b"\r\n\n", "the key is empty"),
        (b"secret\n", "the key has 6 bytes, it needs at least 32: make one with `openssl rand -hex 32`"),
    ],
)
def test_a_weak_key_is_refused_without_showing_it(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        UserIds("hashed", tmp_path / "key")
    assert "secret" not in str(caught.value)


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without a key: name a file as key_file"):
        UserIds("hashed")
    with pytest.raises(ConfigError, match=r"nowhere: the key cannot be read \(No such file or directory\)"):
        UserIds("hashed", tmp_path / "nowhere")


def test_what_makes_no_sense_is_refused(key_file: Path) -> None:
    unknown: Any = "md5"
    with pytest.raises(ConfigError, match="'md5': choose one of plain, hashed, omitted"):
        UserIds(unknown)
    with pytest.raises(ConfigError, match="needs no key"):
        UserIds("plain", key_file)
