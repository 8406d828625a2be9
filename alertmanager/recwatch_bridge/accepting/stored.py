"""What the transaction of a webhook stored, before it is counted and answered."""

from dataclasses import dataclass

from recwatch_bridge.accepting.payload import Alert


@dataclass(frozen=True)
class Stored:
    """What one transaction did about a webhook's alerts.

    Attributes:
        new: alerts not seen before in this channel, or come back after they were resolved.
        ignored: why alerts asked for an action in vain, and their summaries.
        runs: ids of runs that were created or joined.
        rollbacks: ids of rollbacks that were created.
        withdrawn: models whose waiting run was withdrawn.
        reminded: how many alerts are told again.
        left_out: whether a message of its own tells that Alertmanager left out alerts.
    """

    new: tuple[Alert, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    runs: tuple[str, ...] = ()
    rollbacks: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    reminded: int = 0
    left_out: bool = False
