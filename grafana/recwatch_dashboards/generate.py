"""From builders to files: pure but for `write` and `stale`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from recwatch_dashboards import (
    drift,
    loop,
    overview,
    pipelines,
    quality,
    rerank,
    service,
    stack,
    training,
)

DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "drift": drift.build,
    "loop": loop.build,
    "overview": overview.build,
    "pipelines": pipelines.build,
    "quality": quality.build,
    "rerank": rerank.build,
    "service": service.build,
    "stack": stack.build,
    "training": training.build,
}


def render(builder: Callable[[], Dashboard]) -> str:
    """Return the text of a dashboard's file; sorted, so that a change of the code shows as that alone."""
    return json.dumps(builder().build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def files() -> dict[str, str]:
    """Name and text of every dashboard's file."""
    return {f"{name}.json": render(builder) for name, builder in DASHBOARDS.items()}


def write(folder: Path) -> list[Path]:
    """Write every dashboard; a file that is no dashboard's any more is removed.

    Returns:
        The files that changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    changed = stale(folder)
    for path in changed:
        if path.name in wanted:
            path.write_text(wanted[path.name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def stale(folder: Path) -> list[Path]:
    """Return the files in `folder` that differ from what the code generates, are missing or are left over."""
    wanted = files()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return [
        folder / name for name in sorted(wanted.keys() | there.keys()) if wanted.get(name) != there.get(name)
    ]
