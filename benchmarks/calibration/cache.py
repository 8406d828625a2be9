"""What has been measured: one small file a task, so that an interrupted run goes on where it stopped."""

import ast
import hashlib
import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent.parent / ".bench" / "calibration"
_OURS = ("recwatch_exporter.", "benchmarks.calibration.")
_EVERYTHING = (
    "recwatch_exporter.config",  # knows every type
    "recwatch_exporter.checks.table",
    "recwatch_exporter.families.table",
    "recwatch_exporter.sources",  # the windows are in memory
    "benchmarks.calibration.subjects",
)


class Cache:
    """Results by name, kept apart for each state of the code that they come from."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def read(self, name: str, code: str) -> dict[str, Any] | None:
        """What was kept; None where nothing was, or other code made it."""
        try:
            found = json.loads(self._path(name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found["result"] if found.get("code") == code else None

    def write(self, name: str, code: str, result: dict[str, Any]) -> None:
        """Keep a result, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps({"code": code, "result": result}), encoding="utf-8")
        unfinished.replace(path)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def code_digest(modules: Iterable[str], *, more: str = "") -> str:
    """A digest of some modules and of ours that they import, comments and docstrings left out.

    Args:
        modules: names, such as `recwatch_exporter.checks.ks`.
        more: what else the result depends on.
    """
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith(_EVERYTHING):
            continue
        path = _source(name)
        if path is None:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting += [item for item in _imported(tree) if item.startswith(_OURS)]
        found[name] = ast.dump(_without_docstrings(tree))
    whole = "\n".join(f"{name} {found[name]}" for name in sorted(found)) + more
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _source(name: str) -> Path | None:
    """The file of a module; None for the name of something else."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # of something within a module
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _imported(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{item.name}" for item in node.names if item.name.islower())


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [item for item in node.body if not _is_text(item)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
