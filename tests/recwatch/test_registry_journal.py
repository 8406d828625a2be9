from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.errors import RegistryError
from recwatch.manifest import Action, Promotion
from recwatch.registry_journal import Journal, completed, undoable

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def change(version: str, previous: str | None = None, action: Action = "promote") -> Promotion:
    return Promotion(version, previous, AT, f"why {version}", action)


def write(path: Path, history: Sequence[Promotion]) -> None:
    path.write_text("".join(f"{item.to_json()}\n" for item in history))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """v1 in service."""
    made = Journal(tmp_path)
    made.switch(change("v1"), [])
    return made


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_change_is_two_files(journal: Journal, tmp_path: Path) -> None:
    journal.switch(change("v2", "v1"), journal.complete())
    assert (journal.current(), journal.history()) == ("v2", [change("v1"), change("v2", "v1")])
    assert names(tmp_path) == ["current", "history.jsonl"]


def test_nothing_is_in_service_at_first(tmp_path: Path) -> None:
    assert (Journal(tmp_path).current(), Journal(tmp_path).history()) == (None, [])
    assert Journal(tmp_path).complete() == []


def test_killed_before_the_switch_nothing_has_changed(journal: Journal, tmp_path: Path) -> None:
    write(tmp_path / ".history.next", [change("v1"), change("v2", "v1")])
    assert journal.history() == [change("v1")]
    assert journal.complete() == [change("v1")]
    assert names(tmp_path) == ["current", "history.jsonl"]


def test_killed_after_the_switch_the_line_is_known_and_kept(journal: Journal, tmp_path: Path) -> None:
    write(tmp_path / ".history.next", [change("v1"), change("v2", "v1")])
    (tmp_path / "current").write_text("v2\n")
    assert journal.history() == [change("v1"), change("v2", "v1")]
    assert journal.complete() == [change("v1"), change("v2", "v1")]
    assert names(tmp_path) == ["current", "history.jsonl"]
    assert journal.history() == [change("v1"), change("v2", "v1")]


@pytest.mark.parametrize(
    "following",
    [
        [change("v2")],
        [change("v0"), change("v2", "v0")],
        [change("v1"), change("v3", "v1")],
        [change("v1"), change("v3", "v1"), change("v2", "v3")],
        [],
    ],
)
def test_a_next_history_of_another_change_does_not_count(
    journal: Journal, tmp_path: Path, following: list[Promotion]
) -> None:
    write(tmp_path / ".history.next", following)
    (tmp_path / "current").write_text("v2\n")
    assert journal.history() == [change("v1")]
    assert [item.reason for item in journal.complete()] == ["why v1", "found in service without a record"]


def test_a_damaged_next_history_does_not_count(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / ".history.next").write_bytes(b"\xff\n")
    assert journal.complete() == [change("v1")]


@pytest.mark.parametrize("line", ["{}", "[" * 100_000])
def test_a_damaged_history_is_named(journal: Journal, tmp_path: Path, line: str) -> None:
    (tmp_path / "history.jsonl").write_text(f"{line}\n")
    with pytest.raises(RegistryError, match="remove that line"):
        journal.history()


def test_a_switch_that_fails_leaves_the_history(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "current").unlink()
    (tmp_path / "current").mkdir()  # no file takes its place
    with pytest.raises(IsADirectoryError):
        journal.switch(change("v2", "v1"), [change("v1")])
    (tmp_path / "current").rmdir()
    (tmp_path / "current").write_text("v1\n")
    assert journal.complete() == [change("v1")]


def test_a_change_by_hand_gets_a_line() -> None:
    history = [change("v1"), change("v2", "v1")]
    assert completed(history, "v2", AT) == history
    forward, back = completed(history, "v3", AT)[-1], completed(history, "v1", AT)[-1]
    assert (forward.version, forward.previous, forward.action) == ("v3", "v2", "promote")
    assert (back.version, back.previous, back.action) == ("v1", "v2", "rollback")
    assert completed([], "v1", AT)[0].previous is None


def test_a_rollback_takes_a_promotion_away() -> None:
    history = [change("v1"), change("v2"), change("v1", action="rollback"), change("v3")]
    assert undoable(history) == ["v1", "v3"]
    assert undoable([change("v1", action="rollback")]) == []


@given(st.lists(st.sampled_from(["v1", "v2", "v3"]), max_size=12))
def test_whatever_is_written_by_hand_the_history_leads_to_it(versions: list[str]) -> None:
    history: list[Promotion] = []
    for version in versions:
        history = completed(history, version, AT)
        assert history[-1].version == version
        assert undoable(history)[-1] == version


@pytest.mark.parametrize("name", ["current", "history.jsonl", ".history.next"])
def test_what_cannot_be_read_is_named(journal: Journal, tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).mkdir()
    with pytest.raises(RegistryError, match=rf"{name} cannot be read \(Is a directory\): see that"):
        journal.current() if name == "current" else journal.history()
