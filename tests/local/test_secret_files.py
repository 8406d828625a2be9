import stat
from pathlib import Path

from recwatch_local.secret_files import main, make_secrets, write_secret


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_tokens_are_random_kept_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder, ["a", "b"])
    first = (folder / "a").read_text(encoding="utf-8")
    assert len(first.strip()) >= 32
    assert first != (folder / "b").read_text(encoding="utf-8")
    assert (_mode(folder), _mode(folder / "a")) == (0o700, 0o600)
    make_secrets(folder, ["a", "b"])
    assert (folder / "a").read_text(encoding="utf-8") == first


def test_a_secret_is_replaced_whole(tmp_path: Path) -> None:
    write_secret(tmp_path / "url", "http://one.example")
    write_secret(tmp_path / "url", "http://two.example")
    assert (tmp_path / "url").read_text(encoding="utf-8") == "http://two.example\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "url"]


def test_containers_get_copies_that_their_group_may_read(tmp_path: Path) -> None:
    folder, other = tmp_path / "all", tmp_path / "other"
    other.mkdir()
    assert main([str(folder), "token", "--copy", f"token={other}", "--slack-url", "http://inbox:8026"]) == 0
    assert (other / "token").read_bytes() == (folder / "token").read_bytes()
    assert _mode(other / "token") == 0o440
    assert (folder / "slack_url").read_text(encoding="utf-8") == "http://inbox:8026\n"
    assert main([str(folder), "token", "--copy", f"token={other}", "--slack-url", "http://changed:1"]) == 0
    assert (folder / "slack_url").read_text(encoding="utf-8") == "http://inbox:8026\n"
