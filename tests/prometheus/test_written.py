from pathlib import Path

from recwatch_rules.written import stale, write


def test_only_what_differs_is_written_and_what_is_no_more_is_removed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "old.yaml").write_text("old")
    (tmp_path / "rules" / "same.yaml").write_text("same")
    (tmp_path / "README.md").write_text("by hand")
    wanted = {"rules/same.yaml": "same", "monitors/new.yaml": "new"}

    assert stale(tmp_path, wanted) == ["monitors/new.yaml", "rules/old.yaml"]
    assert write(tmp_path, wanted) == ["monitors/new.yaml", "rules/old.yaml"]
    assert stale(tmp_path, wanted) == []
    assert (tmp_path / "monitors" / "new.yaml").read_text() == "new"
    assert not (tmp_path / "rules" / "old.yaml").exists()
    assert (tmp_path / "README.md").exists()


def test_a_folder_that_is_not_there_is_wholly_stale(tmp_path: Path) -> None:
    assert stale(tmp_path / "none", {"a.yaml": ""}) == ["a.yaml"]
