from pathlib import Path

import pytest

from recwatch_local import debian
from recwatch_local.debian import Archive
from recwatch_local.errors import ToolsMissingError


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["http://mirror.example/debian/ bookworm"], Archive("http://mirror.example/debian/", "bookworm")),
        (
            [
                "http://mirror.example/debian-security/ bookworm-security",
                "http://mirror.example/debian/ bookworm",
            ],
            Archive("http://mirror.example/debian/", "bookworm"),
        ),
        (
            ["http://mirror.example/debian bookworm-updates", "file:/srv/debian trixie"],
            Archive("file:/srv/debian", "trixie"),
        ),
        (["http://mirror.example/ubuntu jammy"], None),
        ([], None),
    ],
)
def test_the_archive_is_debians_main_one(lines: list[str], expected: Archive | None) -> None:
    assert debian.choose_archive(lines) == expected


def test_a_command_that_fails_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ToolsMissingError, match=r"`ls` could not fetch .*No such file.*put them on PATH"):
        debian._run(["ls", str(tmp_path / "absent")])


def test_a_program_is_made_to_find_its_data_beside_it_without_moving_a_byte() -> None:
    before = b"\0one/usr/share/prometheus/alertmanager\0two/usr/share/doc"
    after = debian.relocate(before)
    assert after == b"\0oneusr//share/prometheus/alertmanager\0two/usr/share/doc"
    assert len(after) == len(before)
