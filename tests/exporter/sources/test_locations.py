from pathlib import Path

import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.locations import Location


def test_a_glob_gives_complete_files_only_sorted(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.parquet", ".part.parquet", "c.csv"):
        (tmp_path / name).touch()

    assert Location(tmp_path, "*.parquet").files() == (tmp_path / "a.parquet", tmp_path / "b.parquet")


def test_a_glob_that_matches_nothing_is_no_files(tmp_path: Path) -> None:
    assert Location(tmp_path, "nothing/*.parquet").files() == ()


def test_folders_below(tmp_path: Path) -> None:
    path = tmp_path / "2003" / "05" / "a.parquet"
    path.parent.mkdir(parents=True)
    path.touch()

    assert Location(tmp_path, "**/*.parquet").files() == (path,)


def test_a_folder_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    folder = tmp_path / "data [1]*"
    folder.mkdir()
    (folder / "a.parquet").touch()

    assert Location(folder, "a.parquet").files() == (folder / "a.parquet",)
    assert Location(folder, "*.parquet").files() == (folder / "a.parquet",)


def test_absolute_paths_stay(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()

    assert Location(Path("/elsewhere"), f"{tmp_path}/*.parquet").files() == (tmp_path / "a.parquet",)
    assert Location(Path("/elsewhere"), str(tmp_path / "a.parquet")).files() == (tmp_path / "a.parquet",)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"/a\.parquet does not exist: write it first, or correct path"):
        Location(tmp_path, "a.parquet").files()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"is a folder: write .*/\*\*/\*\.parquet for the files in it$"):
        Location(tmp_path, ".").files()
