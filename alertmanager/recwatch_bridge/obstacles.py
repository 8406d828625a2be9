"""What of a valid configuration cannot work on this machine: `--check-config` ends with 1 for it."""

import shutil
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch_bridge.config import BridgeConfig, Command
from recwatch_bridge.folders import why_unwritable
from recwatch_bridge.parts import Parts
from recwatch_bridge.retraining.plan import ModelPlan


def obstacles(settings: BridgeConfig, parts: Parts) -> list[str]:
    """Say what cannot work as it is written, as `key: what is wrong`; nothing is changed.

    Database and address are not looked at: the bridge does not start where they cannot be used.
    """
    found = []
    if not any("alerts" in token.scopes for token in settings.tokens):
        found.append("tokens: none has the scope alerts, so Alertmanager can tell nothing: add one")
    if settings.models:
        found += _folder("runs_dir", settings.runs_folder)
    for plan in parts.plans:
        key = f"models.{plan.name}"
        launcher = settings.models[plan.name].launcher
        if isinstance(launcher, Command):
            found += _trainer(f"{key}.launcher", launcher)
        found += _folder(f"{key}.artifacts", settings.models[plan.name].artifacts) or _versions(key, plan)
    return found


def _folder(key: str, folder: Path) -> list[str]:
    reason = why_unwritable(folder)
    return [] if reason is None else [f"{key}: {reason}: let the bridge write there, or name another folder"]


def _trainer(key: str, launcher: Command) -> list[str]:
    if not launcher.cwd.is_dir():
        return [f"{key}.cwd: {launcher.cwd} is not a folder: make it, or name another"]
    program = launcher.argv[0]
    place = str(launcher.cwd / program) if "/" in program else program
    if shutil.which(place) is not None:
        return []
    return [f"{key}.argv: {program} is not there or cannot be executed: install it, or name it by its path"]


def _versions(key: str, plan: ModelPlan) -> list[str]:
    try:
        plan.registry.current()
    except (RegistryError, OSError) as error:
        return [f"{key}.artifacts: {error}"]
    return []
