"""docs/drift.md names every key of drift.yml, with the default that the code has; what pages show, loads."""

import re
from pathlib import Path

import pytest
import yaml

from recwatch.config import load_config
from recwatch_exporter.config import Check, Config, Defaults, Settings
from recwatch_exporter.process.schedule import Schedule
from recwatch_exporter.sides import Current, Reference

_ROW = re.compile(r"^\| `(\w+)` \|([^|]*)\|", re.MULTILINE)


@pytest.fixture
def rows(root: Path) -> dict[str, str]:
    """Key to what its row says of the default."""
    page = (root / "docs/drift.md").read_text(encoding="utf-8")
    return dict(_ROW.findall(page.partition("## Configuration")[2]))


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_has_the_default_that_the_page_says(name: str, rows: dict[str, str]) -> None:
    written = yaml.safe_load(rows[name].strip(" `"))

    assert getattr(Defaults.model_validate({name: written}), name) == getattr(Defaults(), name)


def test_every_key_is_there_and_no_other(rows: dict[str, str]) -> None:
    models = (Config, Check, Reference, Current, Schedule)

    assert set(rows) == {key for model in models for key in model.model_fields}


@pytest.mark.parametrize("page", ["drift", "sources"])
def test_the_examples_load(page: str, root: Path, tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (root / f"docs/{page}.md").read_text("utf-8"), re.DOTALL)

    assert examples
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.yml"
        path.write_text(example, encoding="utf-8")
        load_config(path, Config, {})
