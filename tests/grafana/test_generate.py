import json
from pathlib import Path

from recwatch_dashboards import generate


def test_committed_files_are_what_the_code_generates(folder: Path) -> None:
    assert generate.stale(folder / "dashboards") == []


def test_rendering_twice_gives_the_same_text() -> None:
    assert generate.files() == generate.files()


def test_write_makes_what_is_missing_and_removes_what_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "gone.json").write_text("{}", encoding="utf-8")

    changed = generate.write(tmp_path)

    assert {path.name for path in changed} == {"gone.json", *generate.files()}
    assert {path.name for path in tmp_path.iterdir()} == set(generate.files())
    assert generate.write(tmp_path) == []


def test_stale_finds_an_edit_by_hand(tmp_path: Path) -> None:
    generate.write(tmp_path)
    file = tmp_path / "overview.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**document, "title": "mine"}), encoding="utf-8")

    assert generate.stale(tmp_path) == [file]
