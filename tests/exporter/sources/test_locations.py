import subprocess
import sys
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


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("locked/*.parquet", "locked"),
        ("locked/sub/*.parquet", "locked/sub"),
        ("**/*.parquet", "locked"),
        ("lock*/sub/*.parquet", "locked"),
        ("locked/a.parquet", "locked/a.parquet"),
        ("closed.parquet", "closed.parquet"),
        ("open/*.parquet", None),
        ("missing/*.parquet", None),
    ],
)
def test_what_may_not_be_read_is_said(
    tmp_path: Path, as_another_user: list[str], pattern: str, named: str | None
) -> None:
    for name in ("locked/sub/a.parquet", "open/a.parquet", "closed.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "closed.parquet").chmod(0)
    (tmp_path / "locked").chmod(0)
    script = (
        "import sys; from pathlib import Path\n"
        "from recwatch_exporter.errors import SourceError\n"
        "from recwatch_exporter.sources.locations import Location\n"
        "try: print(len(Location(Path(sys.argv[1]), sys.argv[2]).files()))\n"
        "except SourceError as error: print(error)"
    )

    command = [*as_another_user, sys.executable, "-c", script, str(tmp_path), pattern]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    (tmp_path / "locked").chmod(0o700)

    found = "1" if pattern == "open/*.parquet" else "0"
    refused = f"{tmp_path / (named or '')} may not be read: give the exporter's user the right to"
    assert said == (found if named is None else refused)
