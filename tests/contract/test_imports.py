"""Who may import whom: exporter and bridge build on recwatch, never on each other; recwatch on neither."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

Modules = dict[str, list[tuple[Path, ast.Module]]]
FORBIDDEN = {
    "recwatch": {
        "recwatch_exporter",
        "recwatch_bridge",
        "recwatch_dashboards",
        "recwatch_local",
        "recwatch_demo",
        "recommender",
    },
    "recwatch_exporter": {
        "recwatch_bridge",
        "recwatch_dashboards",
        "recwatch_local",
        "recwatch_demo",
        "recommender",
    },
    "recwatch_bridge": {
        "recwatch_exporter",
        "recwatch_dashboards",
        "recwatch_local",
        "recwatch_demo",
        "recommender",
    },
    "recwatch_dashboards": {
        "recwatch_exporter",
        "recwatch_bridge",
        "recwatch_local",
        "recwatch_demo",
        "recommender",
    },
    "recommender": {
        "recwatch_exporter",
        "recwatch_bridge",
        "recwatch_dashboards",
        "recwatch_local",
        "recwatch_demo",
    },
}


def _imported(module: ast.Module) -> Iterator[str]:
    """The top-level packages that a module imports, wherever in it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_part_imports_only_what_it_may(package: str, modules: Modules) -> None:
    assert modules[package]
    wrong = {
        str(file): found
        for file, module in modules[package]
        if (found := set(_imported(module)) & FORBIDDEN[package])
    }
    assert wrong == {}
