"""Which tasks a run consists of, and how their results come together."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks.calibration.contests import CONTESTS
from benchmarks.calibration.power import Trials
from benchmarks.calibration.results import FalseAlarms, Power
from benchmarks.calibration.splits import Splits
from benchmarks.calibration.subjects import subject_of, tried_types
from recwatch_exporter.checks.table import TYPES

_CHUNK = 100
"""Splits a task: a few seconds, which is all that an interruption loses."""


def null_tasks(types: Collection[str], nulls: Collection[str], *, splits: int) -> list[Splits]:
    """False alarms of some types on some kinds of data."""
    return [
        Splits(kind.name, null.name, first, min(first + _CHUNK, splits))
        for kind in tried_types()
        if kind.name in types
        for null in subject_of(kind).nulls
        if null.name in nulls
        for first in range(0, splits, _CHUNK)
    ]


def power_tasks(types: Collection[str], *, share: float = 1.0) -> list[Trials]:
    """Contests of some types, with all of their trials or a share of them."""
    return [
        Trials(name, who, max(1, round(contest.trials * share)))
        for name, contest in CONTESTS.items()
        if contest.type in types and contest.type in TYPES
        for who in contest.everybody
    ]


def false_alarms(
    tasks: Collection[Splits], results: Mapping[str, Mapping[str, Any]]
) -> tuple[FalseAlarms, ...]:
    """One line for each type and kind of data of which every task is done."""
    grouped: dict[tuple[str, str], list[Splits]] = defaultdict(list)
    for task in tasks:
        grouped[task.type, task.null].append(task)
    found = []
    for (name, null), parts in grouped.items():
        if not all(part.name in results for part in parts):
            continue
        done = [results[part.name] for part in parts]
        splits = sum(item["splits"] for item in done)
        subject = subject_of(TYPES[name])
        found.append(
            FalseAlarms(
                type=name,
                null=null,
                splits=splits,
                alarms=sum(item["alarms"] for item in done),
                plain=sum(item["plain"] for item in done),
                plain_name=subject.plain.name if subject.plain else "the same without cluster",
                undefined=sum(item["undefined"] for item in done),
                permutations=parts[0].permutations,
                milliseconds=round(1000 * sum(item["seconds"] for item in done) / splits, 1),
            )
        )
    return tuple(found)


def powers(tasks: Collection[Trials], results: Mapping[str, Mapping[str, Any]]) -> tuple[Power, ...]:
    """One line for each contest and size of which everybody is done."""
    grouped: dict[str, list[Trials]] = defaultdict(list)
    for task in tasks:
        grouped[task.contest].append(task)
    return tuple(
        Power(
            contest, shift, parts[0].trials, {part.who: results[part.name]["detected"][i] for part in parts}
        )
        for contest, parts in grouped.items()
        if all(part.name in results for part in parts)
        for i, shift in enumerate(CONTESTS[contest].shifts)
    )
