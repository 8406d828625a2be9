"""When a model is retrained, and how a run's state moves. Pure: no clock, no database, no process.

pending ──► running ──► gating ──► approving ──► promoting ──► promoted
   │           │          ├──────────────────────────►┤
   │           │          ├────► refused ◄────┴───────┤
   │           └──────────┴────► failed  ◄────────────┘       (nothing follows)
   └──► withdrawn   (before it began, every alert that asked for it was resolved, or a person cancelled it)

Only a model that asks for a person's approval passes through `approving`. A run at which something goes on
failing that nobody foresaw has `failed`, wherever it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from recwatch_bridge.clock import lasting
from recwatch_bridge.errors import TransitionError

DAY = 86_400.0
_SAME = 1.0
"""Seconds by which a moment may differ from itself."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "failed", "withdrawn"}),
    "running": frozenset({"gating", "failed"}),
    "gating": frozenset({"approving", "promoting", "refused", "failed"}),
    "approving": frozenset({"promoting", "refused", "failed"}),
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
        last_finished: when the newest run that started a trainer ended; None when there is none.
        starts: when such runs started within the last 24 hours, in any order.
    """

    active: bool = False
    last_finished: float | None = None
    starts: Sequence[float] = ()

    def reaches_beyond(self, now: float) -> bool:
        """Whether something lies in the future: the clock was set back since."""
        return max(self.last_finished or 0.0, *self.starts, 0.0) > now


class Choice(StrEnum):
    """What to do about a firing alert that asks for a retraining."""

    JOIN = "join"
    CREATE = "create"
    COOLING_DOWN = "cooling_down"


@dataclass(frozen=True)
class Decision:
    """A choice, and for CREATE the earliest start, in seconds since the epoch."""

    choice: Choice
    not_before: float = 0.0


def earliest_start(limits: Limits, past: Past, now: float) -> float:
    """Return when the next run may begin: after the cooldown, and when the day's allowance has room.

    What lies in the future, because the clock was set back since, counts as just now: nobody waits longer
    than a whole cooldown or day.
    """
    earliest = now
    if past.last_finished is not None:
        earliest = max(earliest, min(past.last_finished, now) + limits.cooldown)
    starts = sorted(min(start, now) for start in past.starts if start > now - DAY)
    if len(starts) >= limits.max_per_day:
        earliest = max(earliest, starts[-limits.max_per_day] + DAY)
    return earliest


def waits_for(limits: Limits, past: Past, not_before: float, now: float) -> str:
    """Say what a run that begins at `not_before` waits for; empty where that is over, or cannot be told.

    It cannot where the configuration has changed since the run was asked for.
    """
    if not_before <= now:
        return ""
    ended, starts = past.last_finished, sorted(past.starts)
    if ended is not None and abs(ended + limits.cooldown - not_before) < _SAME:
        return f"the cooldown, {lasting(limits.cooldown)} from the end of the last run"
    if len(starts) >= limits.max_per_day and abs(starts[-limits.max_per_day] + DAY - not_before) < _SAME:
        return f"the day's allowance: max_per_day is {limits.max_per_day}, and so many began within 24 hours"
    return ""


def decide(limits: Limits, past: Past, now: float, *, repeat: bool) -> Decision:
    """Decide about a firing alert.

    A new episode that comes during the cooldown waits for its end. A repeat of an episode that was a reason
    before does not: it counts again only when it comes after the cooldown, because only then is it known that
    the last run was not enough.

    Args:
        limits: the model's.
        past: the model's.
        now: seconds since the epoch.
        repeat: whether this episode was a reason of an earlier run.
    """
    if past.active:
        return Decision(Choice.JOIN)
    earliest = earliest_start(limits, past, now)
    if repeat and earliest > now:
        return Decision(Choice.COOLING_DOWN)
    return Decision(Choice.CREATE, earliest)
