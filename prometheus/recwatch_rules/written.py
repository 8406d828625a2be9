"""A folder that holds generated files and nothing else."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["stale", "write"]


def stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """The paths in the folder that differ from what is wanted, are missing or are left over."""
    there = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }
    return [name for name in sorted(wanted.keys() | there.keys()) if wanted.get(name) != there.get(name)]


def write(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Make the folder hold what is wanted; a `.yaml` that is no more is removed.

    Returns:
        The paths that changed.
    """
    changed = stale(folder, wanted)
    for name in changed:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return changed
