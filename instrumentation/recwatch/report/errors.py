"""What keeps a report from being made.

ReportError
└── PrometheusError       Prometheus did not answer, or not as asked
    └── UnreachableError  it did not answer at all, or not in time
"""

from recwatch.errors import RecwatchError

__all__ = ["PrometheusError", "ReportError", "UnreachableError"]


class ReportError(RecwatchError):
    """No report can be made; the message says what to do."""


class PrometheusError(ReportError):
    """Prometheus did not answer a question, or not as its API does."""


class UnreachableError(PrometheusError):
    """Prometheus did not answer at all, or not in time."""
