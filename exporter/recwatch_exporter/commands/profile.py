"""`recwatch-exporter profile`: freeze what checks need of their references into a file."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime

from recwatch.errors import ConfigError
from recwatch.say import answer, remark
from recwatch_exporter.commands.chosen import chosen_checks, run_each
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckError
from recwatch_exporter.freezing import AS_DATA, Plan, plan
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.jobs import Remote
from recwatch_exporter.process.workers import WorkerError
from recwatch_exporter.profile import FrozenCheck, write_profile


@dataclass(frozen=True)
class _Outcome:
    frozen: FrozenCheck | None = None
    error: str | None = None


def profile(options: argparse.Namespace) -> int:
    """Write a profile; 0, or 1 where a check's reference cannot be read: nothing is written then.

    Raises:
        ConfigError: when the configuration cannot be used, has no check of a name that is given, or the
            profile cannot be written.
    """
    if not options.output.absolute().parent.is_dir():
        # Before the references are read, which may take long.
        raise ConfigError(f"{options.output.parent} is no folder: make it, or correct --output")
    checks = chosen_checks(options)
    made = plan(checks, version=options.version)
    for name, why in made.left_out.items():
        remark(f"{name}: left out: {why}")
    if not made.checks:
        remark("no check is left to freeze: no profile is written")
        return 1
    outcomes = run_each(
        tuple(made.checks.values()), _freeze, workers=options.workers, doing="Freezing references"
    )
    return _write(options, made, dict(zip(made.checks, outcomes, strict=True)), checks)


def _freeze(check: Check, remote: Remote, deadline: Deadline) -> _Outcome:
    try:
        return _Outcome(frozen=remote.freeze(check, now=datetime.now(UTC), deadline=deadline))
    except (CheckError, WorkerError) as error:
        return _Outcome(error=str(error))


def _write(
    options: argparse.Namespace, made: Plan, outcomes: dict[str, _Outcome], checks: tuple[Check, ...]
) -> int:
    failed = {name: outcome.error for name, outcome in outcomes.items() if outcome.error is not None}
    for name, error in failed.items():
        remark(f"{name}: {error}")
    if failed:
        remark(f"no profile is written: {len(failed)} of {len(outcomes)} checks failed")
        return 1
    found = [(check, outcomes[check.name].frozen) for check in checks if check.name in outcomes]
    frozen = [(check, item) for check, item in found if item is not None and any(item.parts.values())]
    for check, item in found:
        if item is not None and not any(item.parts.values()):
            remark(f"{check.name}: left out: {AS_DATA.format(check.type)}")
    if not frozen:
        remark("no check is left to freeze: no profile is written")
        return 1
    try:
        write_profile(options.output, frozen, version=made.version, made_at=datetime.now(UTC))
    except (OSError, TypeError) as error:
        raise ConfigError(f"{options.output}: the profile cannot be written: {error}") from error
    of = "" if made.version is None else f" of version {made.version}"
    answer(f"{options.output}: {len(frozen)} checks frozen{of}")
    return 0
