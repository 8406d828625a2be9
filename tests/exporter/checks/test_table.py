import importlib
from pathlib import Path

from recwatch_exporter.checks.table import TYPES


def test_each_type_has_a_module_of_its_name() -> None:
    for name in TYPES:
        importlib.import_module(f"recwatch_exporter.checks.{name}")


def test_each_type_has_a_test_file() -> None:
    for name in TYPES:
        assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_a_type_goes_by_its_own_name() -> None:
    assert {name: kind.name for name, kind in TYPES.items()} == {name: name for name in TYPES}


def test_the_default_threshold_makes_sense() -> None:
    for name, kind in TYPES.items():
        assert kind.lowest_threshold <= kind.default_threshold <= kind.highest_threshold, name
