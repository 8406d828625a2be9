"""`recwatch-exporter check`: run checks once, for cron, Airflow and CI."""

import argparse
import json
import time
from datetime import UTC, datetime

from recwatch.say import answer
from recwatch_exporter.commands.chosen import chosen_checks, run_each
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckError
from recwatch_exporter.junit import junit
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.jobs import Remote
from recwatch_exporter.process.state import CheckState, State
from recwatch_exporter.process.workers import WorkerError
from recwatch_exporter.report import describe, table, verdict

FORMATS = ("table", "json", "junit")


def check(options: argparse.Namespace) -> int:
    """Run checks once and print what they found; the exit code: 0 no drift, 1 drift, 2 could not tell.

    Raises:
        ConfigError: when the configuration cannot be used, or has no check of a name that is given.
    """
    checks = chosen_checks(options)
    states = run_each(checks, _run, workers=options.workers, doing="Running checks")
    answer(_written(states, options.format))
    return verdict(states)


def _run(check: Check, remote: Remote, deadline: Deadline) -> CheckState:
    state, started = State(), time.perf_counter()
    state.configure([check])
    try:
        result = remote.run(check, now=datetime.now(UTC), deadline=deadline)
    except CheckError as error:
        state.failed(check, error.reason, str(error), duration=time.perf_counter() - started)
    except WorkerError as error:
        state.failed(check, "internal", str(error), duration=time.perf_counter() - started)
    else:
        duration = time.perf_counter() - started
        state.succeeded(check, result, at=datetime.now(UTC).timestamp(), duration=duration)
    (found,) = state.all()
    return found


def _written(states: list[CheckState], form: str) -> str:
    if form == "json":
        return json.dumps([row for state in states for row in describe(state)], indent=2, allow_nan=False)
    return junit(states) if form == "junit" else table(states)
