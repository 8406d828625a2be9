"""Which checks a profile is made of, from which data, and to which version of a model it belongs."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recwatch.errors import ConfigError, RegistryError
from recwatch.registry import ModelRegistry
from recwatch_exporter.config import Check
from recwatch_exporter.sides import Reference
from recwatch_exporter.sources.locations import Location

AS_DATA = "{} needs the rows of its reference themselves: keep the reference as data"


@dataclass(frozen=True)
class Plan:
    """What `recwatch-exporter profile` is to do.

    Attributes:
        checks: by name, each with its reference as data of one version.
        left_out: by name, why a check cannot be frozen.
        version: of the model; None where no reference belongs to one.
    """

    checks: Mapping[str, Check]
    left_out: Mapping[str, str]
    version: str | None


def plan(checks: Sequence[Check], *, version: str | None) -> Plan:
    """Decide what is frozen.

    Args:
        checks: the checks that are asked for.
        version: of the model; None takes the one in service.

    Raises:
        ConfigError: when there is no such version, or the checks belong to different ones.
    """
    versions = {folder: version or _in_service(folder) for check in checks for folder in _folders(check)}
    if len(set(versions.values())) > 1:
        found = ", ".join(f"{name} ({folder.name})" for folder, name in sorted(versions.items()))
        raise ConfigError(f"the references belong to different versions: {found}: name checks of one model")
    planned, left_out = {}, {}
    for check in checks:
        reference = check.reference
        if reference is None:
            left_out[check.name] = f"{check.type} has no reference here"
        elif not check.check_type.profiled:
            left_out[check.name] = AS_DATA.format(check.type)
        elif reference.artifact is not None and reference.file is None:
            left_out[check.name] = (
                "its reference names a profile alone: add file, the data that it is made of"
            )
        elif reference.artifact is None and reference.profile is not None:
            left_out[check.name] = "its reference is a profile already: give its data instead"
        else:
            planned[check.name] = check.model_copy(update={"reference": _as_data(reference, versions)})
    return Plan(planned, left_out, next(iter(versions.values()), version))


def _folders(check: Check) -> tuple[Path, ...]:
    reference = check.reference
    return () if reference is None or reference.artifact is None else (reference.artifact.path,)


def _in_service(folder: Path) -> str:
    try:
        version = ModelRegistry(folder).current()
    except (RegistryError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the version in service cannot be told: {error}") from error
    if version is None:
        raise ConfigError(f"no version in service in {folder}: promote one, or give --version")
    return version


def _as_data(reference: Reference, versions: Mapping[Path, str]) -> Reference:
    """The reference as a path, so that another version than the one in service can be read."""
    if reference.artifact is None or reference.file is None:
        return reference
    folder = reference.artifact.path
    try:
        root = ModelRegistry(folder).path(versions[folder])
    except RegistryError as error:
        raise ConfigError(str(error)) from error
    path = Location(root=root, pattern=glob.escape(reference.file))
    return reference.model_copy(update={"artifact": None, "file": None, "profile": None, "path": path})
