"""The weekly look: which alerts that ask for a retraining fire? Asked of Prometheus: thresholds stay there.

It is a safety net under the webhooks: what Alertmanager did not route, or the bridge refused then, is found.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from recwatch_bridge.clock import iso, readable
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import TEXT_LENGTH, Notification
from recwatch_bridge.metrics import WEEKLY_LOOK
from recwatch_bridge.prometheus import FiringAlert, Prometheus
from recwatch_bridge.retraining import trigger
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.reasons import LOOK
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.retraining.trigger import Asked
from recwatch_bridge.scheduled import Frame, Scheduled, Write
from recwatch_bridge.text import one_line

TRIGGER = "schedule"

log = logging.getLogger(__name__)


@dataclass
class Found:
    """What a look came to.

    Attributes:
        asked: by model, what became of its alerts.
        ignored: why alerts led to no run, one word an alert.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


class WeeklyLook(Scheduled):
    """Looks once a week, once over all bridges on one database.

    Args:
        frame: database, schedule and the rest.
        prometheus: is asked.
        limits: by model, how often it may be retrained.
        wake_models: called after runs were created or joined.
    """

    def __init__(
        self,
        frame: Frame,
        prometheus: Prometheus,
        *,
        limits: Mapping[str, Limits],
        wake_models: Callable[[], None],
    ) -> None:
        super().__init__(WEEKLY_LOOK, "the weekly look", "look", frame, frame.metrics.weekly_looks)
        self._store = frame.store
        self._prometheus = prometheus
        self._limits = limits
        self._wake_models = wake_models

    def prepare(self, due: float) -> Write:  # noqa: ARG002 - what fires now is asked for, however late
        """Ask which alerts fire."""
        firing = self._prometheus.firing()
        now = self._frame.clock()

        def write(connection: Connection) -> Callable[[], None]:
            found = self._look(connection, firing, now)
            return lambda: self._report(found)

        return write

    def failed(self, error: str, due: float) -> Notification:
        """Say that nobody looked."""
        text = (
            f"Whether an alert asks for a retraining could not be asked for a day after {readable(due)}: "
            f"{error}."
        )
        remedy = "Alerts that Alertmanager sends are acted on all the same. See prometheus_url in bridge.yml."
        return notice("warning", "Weekly look failed", [text, remedy])

    def _look(self, connection: Connection, firing: Sequence[FiringAlert], now: float) -> Found:
        """Ask for what the alerts ask for."""
        found = Found()
        asking = [alert for alert in firing if alert.labels.get("action") == "retrain"]
        for alert in sorted(asking, key=lambda alert: alert.labels.get("model", "")):
            model = alert.labels.get("model", "")
            limits = self._limits.get(model)
            if limits is None:
                found.ignored.append("unknown_model")
                continue
            if alert.is_held:
                found.ignored.append("held")
                continue
            asked = trigger.ask(
                self._store,
                connection,
                limits,
                model,
                trigger=TRIGGER,
                reason=_reason(alert),
                now=now,
                repeat=True,
            )
            found.asked.setdefault(model, asked)
            if asked.run_id is None:
                found.ignored.append(asked.why_not)
        return found

    def _report(self, found: Found) -> None:
        self._metrics.weekly_looks.labels("success").inc()
        for why_not in found.ignored:
            self._metrics.alerts_ignored.labels(why_not).inc()
        for model, asked in found.asked.items():
            if asked.run_id is None:
                log.info("the weekly look: %s: cooling down until %s", model, readable(asked.not_before))
            else:
                log.info(
                    "the weekly look: %s: %s run %s",
                    model,
                    "created" if asked.created else "joined",
                    asked.run_id,
                )
        if not found.asked:
            log.info("the weekly look: no alert asks for a retraining")
        if any(asked.run_id for asked in found.asked.values()):
            self._wake_models()


def _reason(alert: FiringAlert) -> Reason:
    """Make a reason; its episode is the look's own, as Alertmanager's fingerprint knows more labels."""
    labels = json.dumps(dict(alert.labels), sort_keys=True).encode()
    name = alert.labels.get("alertname") or "Alert"
    told = alert.annotations.get("summary", "")
    return Reason(
        (f"{LOOK}{hashlib.sha256(labels).hexdigest()[:32]}", str(iso(alert.active_at))),
        one_line(f"{name}: {told}" if told else name, TEXT_LENGTH),
    )
