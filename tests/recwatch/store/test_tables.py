"""docs/store.md explains every table and column, and no other; its Python runs."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from recwatch.store import metadata, open_store, requests
from recwatch_local.paths import ROOT

PAGE = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|[^|]*\| \S", re.MULTILINE)
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
TYPES = {
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DATETIME": "time",
    "DOUBLE": "double",
    "INTEGER": "integer",
    "TEXT": "text",
}


def test_the_page_lists_every_column_and_its_type_in_order() -> None:
    listed = {name: ROW.findall(text) for name, text in SECTION.findall(PAGE)}
    there = {
        table.name: [(column.name, TYPES[str(column.type)]) for column in table.columns]
        for table in metadata.sorted_tables
    }
    assert listed == there


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "user_key").write_bytes(b"k" * 32)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_python_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    for block in BLOCK.findall(PAGE):
        exec(block, {})  # noqa: S102 - our own page
    with open_store(f"sqlite:///{folder}/data/requests.db") as store, store.transaction() as connection:
        (row,) = connection.execute(sa.select(requests)).mappings().all()
    assert (row["user_id"], row["num_recommendations"]) == ("12345", 3)
    assert (before - row["timestamp"]).total_seconds() < 1
    # The page uses the process's registry, in which another test may have loaded a version of this model.
    assert re.match(r"als\S* 1 ", capsys.readouterr().out)
