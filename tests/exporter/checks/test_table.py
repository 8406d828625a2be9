import importlib
from pathlib import Path

from recwatch_exporter.checks.table import TYPES, markdown_table

ROOT = Path(__file__).parents[3]


def test_each_type_has_a_module_and_a_heading_of_its_name() -> None:
    doc = (ROOT / "docs/drift.md").read_text(encoding="utf-8")
    for name in TYPES:
        importlib.import_module(f"recwatch_exporter.checks.{name}")
        assert f"\n### {name}\n" in doc


def test_each_type_has_a_test_file() -> None:
    for name in TYPES:
        assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_the_doc_holds_the_table_of_the_code() -> None:
    doc = (ROOT / "docs/drift.md").read_text(encoding="utf-8")

    assert markdown_table() in doc, "docs/drift.md: replace its table by what markdown_table() gives"


def test_a_type_goes_by_its_own_name() -> None:
    assert {name: kind.name for name, kind in TYPES.items()} == {name: name for name in TYPES}
