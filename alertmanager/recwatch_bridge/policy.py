"""When a model is retrained, and how a run's state moves. Pure: no clock, no database, no process.

pending ──► running ──► gating ──► promoting ──► promoted
   │           │          ├────► refused ◄──┤
   │           └──────────┴────► failed  ◄──┘        (nothing follows)
   └──► withdrawn   (every alert that asked for it was resolved before it began)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from recwatch_bridge.errors import TransitionError

DAY = 86_400.0

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "withdrawn"}),
    "running": frozenset({"gating", "failed"}),
    "gating": frozenset({"promoting", "refused", "failed"}),
    "promoting": frozenset({"promoted", "refused", "failed"}),
    "promoted": frozenset(),
    "refused": frozenset(),
    "failed": frozenset(),
    "withdrawn": frozenset(),
}
FINAL_STATES = tuple(state for state, following in TRANSITIONS.items() if not following)


def check_transition(before: str, after: str) -> None:
    """Refuse a move that does not lead forward.

    Raises:
        TransitionError: when `after` does not follow `before`.
    """
    if after not in TRANSITIONS[before]:
        allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing: it is final"
        raise TransitionError(f"a run that is {before} cannot become {after}; what follows: {allowed}")


@dataclass(frozen=True)
class Limits:
    """How often a model may be retrained.

    Attributes:
        cooldown: seconds between the end of a run and the start of the next one.
        max_per_day: most runs that start within any 24 hours.
    """

    cooldown: float
    max_per_day: int


@dataclass(frozen=True)
class Past:
    """What the policy needs to know of a model's runs.

    Attributes:
        active: whether a run waits or goes on.
        last_finished: when the newest run that began ended; None when there is none.
        starts: when runs started within the last 24 hours, in any order.
    """

    active: bool = False
    last_finished: float | None = None
    starts: Sequence[float] = ()


class Choice(StrEnum):
    """What to do about a firing alert that asks for a retraining."""

    JOIN = "join"
    CREATE = "create"
    COOLING_DOWN = "cooling_down"
    STALE = "stale"


@dataclass(frozen=True)
class Decision:
    """A choice, and for CREATE the earliest start, in seconds since the epoch."""

    choice: Choice
    not_before: float = 0.0


def earliest_start(limits: Limits, past: Past, now: float) -> float:
    """Return when the next run may begin: after the cooldown, and when the day's allowance has room."""
    earliest = now
    if past.last_finished is not None:
        earliest = max(earliest, past.last_finished + limits.cooldown)
    starts = sorted(start for start in past.starts if start > now - DAY)
    if len(starts) >= limits.max_per_day:
        earliest = max(earliest, starts[-limits.max_per_day] + DAY)
    return earliest


def decide(limits: Limits, past: Past, now: float, *, repeat: bool, resolved: bool) -> Decision:
    """Decide about a firing alert.

    A new episode that comes during the cooldown waits for its end. A repeat of an episode that was a reason
    before does not: it counts again only when it comes after the cooldown, because only then is it known that
    the last run was not enough.

    Args:
        limits: the model's.
        past: the model's.
        now: seconds since the epoch.
        repeat: whether this episode was a reason of an earlier run.
        resolved: whether this episode was already reported as resolved.
    """
    if resolved:
        return Decision(Choice.STALE)
    if past.active:
        return Decision(Choice.JOIN)
    earliest = earliest_start(limits, past, now)
    if repeat and earliest > now:
        return Decision(Choice.COOLING_DOWN)
    return Decision(Choice.CREATE, earliest)
