import shutil
from pathlib import Path

import pytest

from recwatch_exporter.checks.pages import card, main, table
from recwatch_exporter.checks.table import TYPES

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    shutil.copytree(DOCS / "checks", tmp_path / "checks")
    shutil.copy(DOCS / "drift.md", tmp_path)
    return tmp_path


def test_the_pages_hold_the_words_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(DOCS), "--check"]) == 0, capsys.readouterr().out
    assert table() in (DOCS / "drift.md").read_text(encoding="utf-8")
    for name, kind in TYPES.items():
        assert card(kind) in (DOCS / f"checks/{name}.md").read_text(encoding="utf-8")


def test_a_stale_page_is_told_and_written_anew(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = docs / "checks/ks.md"
    good = page.read_text(encoding="utf-8")
    page.write_text(good.replace("| drift is | high |", "| drift is | low |"), encoding="utf-8")

    assert main([str(docs), "--check"]) == 1
    assert capsys.readouterr().out == f"{page}: stale: run make generate\n"
    assert page.read_text(encoding="utf-8") != good
    assert main([str(docs)]) == 0
    assert page.read_text(encoding="utf-8") == good
