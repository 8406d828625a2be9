"""What speaks against a candidate before its numbers are looked at. Pure: versions and a history."""

from collections.abc import Collection, Sequence

from recwatch.registry import Manifest, Promotion
from recwatch_bridge.text import one_line

REMEDY = "let the trainer publish a version of its own, and name that in its result"
_NAME_LENGTH = 100


def of_another_model(version: str, manifest: Manifest, names: Collection[str]) -> str:
    """Say that a version was made for another model; empty where it was not.

    Args:
        version: the candidate's.
        manifest: its own.
        names: the model's own: as bridge.yml calls it, and as its folder is called.
    """
    if manifest.model in names:
        return ""
    made_for = one_line(manifest.model, _NAME_LENGTH)
    return f"{version} is a version of {made_for}, as its manifest.json says"


def not_new(version: str, history: Sequence[Promotion], *, current: str | None, serving: str | None) -> str:
    """Say that a version is not new; empty where it never was in service.

    One that was may have been rolled back as bad, and one that is was not made by this run.

    Args:
        version: the candidate's.
        history: the registry's.
        current: the version in service now.
        serving: the one that was in service when the run began.
    """
    if version == current:
        return f"{version} is in service already"
    before = {serving, *(change.version for change in history), *(change.previous for change in history)}
    return f"{version} was in service before" if version in before else ""
