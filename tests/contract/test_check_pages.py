"""One page a check type: the same headings, an example that loads, every key of the type's own."""

import re
from pathlib import Path

import pytest
import yaml

from recwatch.config import load_config
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Config

PAGES = Path(__file__).parents[2] / "docs/checks"
HEADINGS = ["What it sees", "When to use it", "Formula", "Configuration", "Reading the result"]
NAMES = sorted(TYPES)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_there_is_a_page_for_every_type_and_for_nothing_else() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README") == NAMES


def test_every_page_answers_the_same_questions(name: str, page: str) -> None:
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS


def test_the_example_loads(name: str, page: str, tmp_path: Path) -> None:
    examples = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert examples
    for number, example in enumerate(examples):
        checks = example["checks"] if isinstance(example, dict) and "checks" in example else example
        path = tmp_path / f"{number}.yml"
        path.write_text(
            yaml.safe_dump({"checks": checks if isinstance(checks, list) else [checks]}), encoding="utf-8"
        )

        config = load_config(path, Config, {"DATABASE_URL": "sqlite:///x.db"})

        assert any(check.type == name for check in config.checks)


def test_every_key_of_its_own_is_explained(name: str, page: str) -> None:
    for key in TYPES[name].options.model_fields:
        assert re.search(rf"^\| `{key}` \|", page, re.MULTILINE), key


def test_the_first_page_leads_to_every_type() -> None:
    first = (PAGES / "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\]\(([a-z0-9_]+)\.md\)", first)) == set(NAMES)
