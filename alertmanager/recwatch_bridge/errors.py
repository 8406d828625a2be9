"""The errors that the bridge raises. Each message says what to do next.

RecwatchError
└── BridgeError
    ├── PayloadError      a webhook's body is not what Alertmanager sends
    ├── StoreBusyError    the database could not be written to in time
    ├── TransitionError   a run was asked to move backwards
    ├── ResultError       a trainer's result file is missing or cannot be used
    └── PrometheusError   Prometheus could not be asked, or its answer cannot be used
"""

from recwatch.errors import RecwatchError


class BridgeError(RecwatchError):
    """Root of everything that the bridge raises on purpose."""


class PayloadError(BridgeError):
    """A webhook's body is not what Alertmanager sends; the message says where and why."""


class StoreBusyError(BridgeError):
    """The database could not be written to in time; the sender is to try again."""


class TransitionError(BridgeError):
    """A run was asked to move to a state that does not follow its own."""


class ResultError(BridgeError):
    """A trainer's result file is missing, unreadable or holds something else than a result."""


class PrometheusError(BridgeError):
    """Prometheus could not be asked, or its answer cannot be used."""
