"""When a sink may be asked again; kept in the store, for all bridges that share it and for the next start."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection

from recwatch_bridge.storage import facts
from recwatch_bridge.storage.facts import Fact

_INACCURACY = 1.0
"""Seconds by which the clocks of several bridges may differ."""


@dataclass(frozen=True)
class Pace:
    """A sink's rest.

    Attributes:
        failures: of the whole sink, in a row.
        until: when it is over, in seconds since the epoch.
        length: how long it was from the start, in seconds.
    """

    failures: int = 0
    until: float = 0.0
    length: float = 0.0

    def wait(self, now: float) -> float:
        """Return how many seconds are left.

        A rest with more to go than it ever had was stored before the clock was set back: it is over.
        """
        left = self.until - now
        return left if 0.0 < left <= self.length + _INACCURACY else 0.0


NO_REST = Pace()


def pace_of(connection: Connection, sink: str) -> Pace:
    """Return a sink's rest; a sink that was never asked has none."""
    found = facts.get(connection, _name(sink))
    if found is None or found.value is None:
        return NO_REST
    value = json.loads(found.value)
    return Pace(failures=value["failures"], until=found.at, length=value["length"])


def set_pace(connection: Connection, sink: str, pace: Pace) -> None:
    """Store a sink's rest."""
    value = json.dumps({"failures": pace.failures, "length": pace.length})
    facts.put(connection, _name(sink), Fact(pace.until, value))


def _name(sink: str) -> str:
    return f"pace:{sink}"
