"""Sending the report when it is due."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from recwatch.report.prometheus import Prometheus
from recwatch_bridge.clock import readable
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.metrics import REPORTER
from recwatch_bridge.reporting.making import attached, make, summary
from recwatch_bridge.scheduled import Frame, Scheduled, Write
from recwatch_bridge.storage import attachments

log = logging.getLogger(__name__)


class Reporter(Scheduled):
    """Makes the report of the time until its moment, however late it is made, and leaves it in the outbox.

    Args:
        frame: database, schedule and the rest.
        prometheus: is asked.
        period: about how long a time.
        sinks: who gets it; email with the file, others its summary.
    """

    def __init__(
        self, frame: Frame, prometheus: Prometheus, *, period: timedelta, sinks: Sequence[str]
    ) -> None:
        super().__init__(REPORTER, "the report", "report", frame, frame.metrics.reports)
        self._prometheus = prometheus
        self._period = period
        self._sinks = sinks

    def prepare(self, due: float) -> Write:
        """Make the report and its messages."""
        report = make(self._prometheus, due, self._period)
        file = attached(report)
        said = {sink: summary(report, has_file=sink == "email") for sink in self._sinks}
        now = self._frame.clock()

        def write(connection: Connection) -> Callable[[], None]:
            for sink, message in said.items():
                uid = self.enqueue(connection, message, sink, now)
                if sink == "email":
                    attachments.add(connection, uid, file, now)
            return sent

        def sent() -> None:
            self._metrics.reports.labels("with_holes" if report.gaps else "complete").inc()
            log.info("the report until %s was made: %d bytes", readable(due), len(file.content))
            self._frame.wake_sinks()

        return write

    def failed(self, error: str, due: float) -> Notification:
        """Say that there is no report."""
        text = f"It could not be made for a day after {readable(due)}: {error}."
        remedy = (
            "`recwatch-bridge send-report` makes one now, or says what stops it. Where Prometheus does not "
            "answer, see prometheus_url in bridge.yml."
        )
        return notice("warning", "Report failed", [text, remedy])
