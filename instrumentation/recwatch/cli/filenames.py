"""File names made of run ids: nothing of a run id becomes a path."""

import hashlib
import re
from collections.abc import Sequence

__all__ = ["chart_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 60
_SHOWN = 3


def chart_name(run_ids: Sequence[str]) -> str:
    """A name for the chart of these runs, such as `training_als_20261121_031500_1a2b3c.png`.

    Whatever is no letter, digit, dot, hyphen or underscore is left out. A name that is not the run ids
    themselves ends in a piece of their hash, so that other runs have another name.
    """
    parts = [_safe(run_id) for run_id in run_ids[:_SHOWN]]
    same = parts == list(run_ids) and all(parts)
    name = "_vs_".join(part for part in parts if part)
    digest = hashlib.sha256("\n".join(run_ids).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"training_{name}.png" if same else f"training_{name}{'_' if name else ''}{digest}.png"


def _safe(run_id: str) -> str:
    return _UNSAFE.sub("-", run_id[: 10 * _LONGEST]).strip(".-_")[:_LONGEST]
