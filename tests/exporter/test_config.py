import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check, Config, Defaults
from recwatch_exporter.process.schedule import Schedule
from recwatch_exporter.sides import Current, Reference
from recwatch_exporter.sources.locations import Location

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TESTDATA = HERE / "testdata"

# One file a mistake; the message that a person gets, after the file's name.
MESSAGES: dict[str, str] = yaml.safe_load((TESTDATA / "messages.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MESSAGES)
def test_each_mistake_has_its_message(name: str) -> None:
    path = TESTDATA / f"invalid-{name}.yml"

    with pytest.raises(ConfigError) as error:
        load_config(path, Config, {})

    message = MESSAGES[name].replace("{types}", ", ".join(sorted(TYPES)))
    assert str(error.value) == f"{path}: {message}"


def test_segments_can_be_told_at_the_alpha_of_the_example() -> None:
    check = {"name": "a", "type": "ks", "column": "x", "segment_by": "country", "alpha": 0.01}
    sides = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.parquet"}}

    (found,) = Config.model_validate({"checks": [check | sides]}, context={"base": Path()}).checks

    assert found.most_findings == 10


def test_a_check_takes_over_the_keys_of_another(tmp_path: Path) -> None:
    (tmp_path / "drift.yml").write_text(
        """checks:
  - &first
    name: ratings
    type: ks
    column: rating
    cluster: user_id
    reference: {path: ref.parquet}
    current: {path: cur.parquet}
  - {<<: *first, name: scale, type: psi}
""",
        encoding="utf-8",
    )

    first, second = load_config(tmp_path / "drift.yml", Config, {}).checks

    assert (second.name, second.type, second.cluster) == ("scale", "psi", "user_id")
    assert second.current == first.current


def test_every_fixture_is_tested() -> None:
    assert {path.stem for path in TESTDATA.glob("invalid-*.yml")} == {f"invalid-{name}" for name in MESSAGES}


def test_plain_files_need_little() -> None:
    config = load_config(TESTDATA / "valid-plain-files.yml", Config, {})

    assert [check.name for check in config.checks] == ["ratings", "catalogue", "titles"]
    first = config.checks[0]
    assert first.reference is not None
    assert isinstance(first.reference.path, Location)
    assert first.reference.path.path == TESTDATA / "ref.parquet"
    assert (first.cluster, first.alpha, first.min_rows, first.permutations) == ("user_id", 0.05, 50, 999)
    assert first.freshness_column is None
    assert first.folders == frozenset()


def test_the_example_is_the_real_stack(tmp_path: Path) -> None:
    config = load_config(ROOT / "exporter/drift.yml", Config, {"RECWATCH_HOME": str(tmp_path)})

    found = {check.name: (check.type, check.models, check.threshold) for check in config.checks}
    assert found == {
        "ratings": ("ks", ("als",), 0.1),
        "rating_scale": ("psi", ("als",), 0.2),
        "rating_scale_bpr": ("psi", ("bpr",), 0.2),
        "popularity": ("spearman", ("als",), 0.8),
        "titles": ("embedding", ("als",), 0.95),
        "titles_age": ("freshness", ("als",), 30 * 86_400),
        "model_age": ("freshness", ("als",), 7 * 86_400),
    }
    folders = {check.name: {folder.name for folder in check.folders} for check in config.checks}
    assert folders["rating_scale_bpr"] == {"bpr"}
    assert folders["titles"] == {"als", "titles"}
    for check in config.checks:
        assert all(folder.parent == tmp_path / "artifacts" for folder in check.folders)


def test_the_example_without_a_home_is_beside_the_repository() -> None:
    config = load_config(ROOT / "exporter/drift.yml", Config, {})

    path = config.checks[0].current.path
    assert isinstance(path, Location)
    assert path.path == ROOT / "exporter/../data/interactions/*.parquet"
    assert str(config.listen) == "127.0.0.1:9109"


def test_a_check_overrides_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "drift.yml"
    path.write_text(
        "defaults: {alpha: 0.01, min_rows: 7}\n"
        "checks:\n"
        "- {name: a, type: ks, column: x, threshold: 0.1, min_rows: 9,\n"
        "   reference: {path: r}, current: {path: c}}\n",
        encoding="utf-8",
    )

    (check,) = load_config(path, Config, {}).checks

    assert (check.alpha, check.min_rows, check.permutations) == (0.01, 9, 999)


def test_freshness_falls_back_to_the_event_time(make_check: Any) -> None:
    assert make_check(timestamp="t").freshness_column == "t"
    assert make_check(timestamp="t", observed_at="o").freshness_column == "o"


@pytest.mark.parametrize("model", [Config, Defaults, Check, Schedule, Reference, Current])
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    doc = (ROOT / "docs/drift.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", doc, re.MULTILINE))

    assert set(model.model_fields) <= documented


def test_no_key_of_a_type_hides_what_every_check_has() -> None:
    for name, kind in TYPES.items():
        assert not [key for key in kind.options.model_fields if hasattr(Check, key)], name
        assert not set(kind.options.model_fields) & set(Check.model_fields), name
