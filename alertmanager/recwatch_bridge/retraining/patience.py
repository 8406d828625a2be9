"""What failed and may pass is tried again, less and less often, for ten minutes."""

from dataclasses import dataclass

from recwatch_bridge.errors import PrometheusError

LIMIT = 600.0
"""Seconds after the first failure in which a try is followed by another."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0


@dataclass
class _Trouble:
    since: float
    due: float
    wait: float = _FIRST_WAIT


class Patience:
    """Remembers what failed; it is about as many things as are tried at the same time.

    Times are seconds since the epoch. A clock that is set back lets everything be tried at once, and the ten
    minutes begin anew; so does a restart.
    """

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}

    def wait(self, about: str, now: float) -> float:
        """Return for how many seconds it is still to be left alone; 0 where it may be tried."""
        trouble = self._troubles.get(about)
        if trouble is None:
            return 0.0
        if trouble.since > now:
            trouble.since = trouble.due = now
        return max(trouble.due - now, 0.0)

    def failed(self, about: str, error: Exception, now: float) -> float | None:
        """Say that a try failed.

        Args:
            about: what was tried.
            error: why it failed.
            now: when.

        Returns:
            Seconds until the next try; None where the error will not pass, or the ten minutes are over.
        """
        trouble = self._troubles.setdefault(about, _Trouble(now, now))
        if not may_pass(error) or now - trouble.since >= LIMIT:
            self.forget(about)
            return None
        pause = trouble.wait
        trouble.due, trouble.wait = now + pause, min(2 * pause, _LONGEST_WAIT)
        return pause

    def forget(self, about: str) -> None:
        """Say that it is done, or given up."""
        self._troubles.pop(about, None)


def may_pass(error: Exception) -> bool:
    """Whether it may be gone by itself: a disk, a network or a server was in the way, not what was found."""
    return isinstance(error, (OSError, PrometheusError)) or isinstance(error.__cause__, OSError)
