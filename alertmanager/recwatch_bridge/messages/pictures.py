"""The picture that goes with a message: asking Prometheus, drawing, keeping it. It holds up no message."""

import logging
import math
import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert, select

from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.messages.notification import Graph
from recwatch_bridge.messages.promql import graphed
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import AlertRule, Prometheus, Series
from recwatch_bridge.storage.schema import messages, pictures
from recwatch_bridge.storage.store import Store

TIMEOUT = 1.5
"""Seconds for the client's connection, and for an answer; two questions are asked."""
BEFORE = 3 * 3_600.0
"""Seconds before an alert began that its picture shows."""
CROWD = 20
"""Waiting messages of a sink above which none gets a picture: they are to leave soon."""
SLOW = 0.5
REST = 60.0
"""Seconds without pictures after a failure that took `SLOW` seconds: the next would take as long."""
_POINTS = 240
_SHORTEST_STEP = 15.0
_ANNOTATION = "graph"

log = logging.getLogger(__name__)


class Pictures:
    """Draws the metrics of firing alerts.

    What is asked of Prometheus comes from its own rules: a rule's annotation `graph`, or its query without
    the condition. Nothing that a webhook says is part of a question.

    Args:
        prometheus: its timeout bounds how long a message waits for its picture.
        store: keeps the pictures.
        metrics: where it counts.
        clock: gives now.
    """

    def __init__(
        self, prometheus: Prometheus, store: Store, *, metrics: BridgeMetrics, clock: Clock = wall
    ) -> None:
        self._prometheus = prometheus
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._rests_until = 0.0
        """On the monotonic clock."""

    def of(self, message: Message) -> bytes | None:
        """Return a message's PNG: the one that is kept, or at the first attempt a new one; None for none."""
        graph = message.notification.graph
        if graph is None:
            return None
        began = time.monotonic()
        try:
            with self._store.read() as connection:
                kept = load(connection, message.uid)
                crowded = _waiting(connection, message.sink) > CROWD
            if kept is not None:
                return kept
            # Its sink may be tried for days: what did not work at once is not tried again and again.
            asked_for = not message.attempts and not crowded and began >= self._rests_until
            png = self._new(message.uid, graph) if asked_for else None
        except Exception as error:
            # A message without a picture is better than none.
            if time.monotonic() - began > SLOW:
                self._rests_until = time.monotonic() + REST
            self._metrics.pictures.labels("failed").inc()
            if isinstance(error, PrometheusError):
                log.warning("message %s: no picture: %s", message.uid, error)
            else:
                log.exception("message %s: no picture", message.uid)
            return None
        self._metrics.pictures.labels("skipped" if png is None else "drawn").inc()
        return png

    def _new(self, uid: str, graph: Graph) -> bytes | None:
        now = self._clock()
        png = ask_and_draw(self._prometheus, graph, now)
        if png is not None:
            with self._store.write() as connection:
                connection.execute(insert(pictures).values(name=uid, created=now, png=png))
        return png


def ask_and_draw(prometheus: Prometheus, graph: Graph, now: float) -> bytes | None:
    """Draw what an alert's rule looks at; None where Prometheus knows nothing of it.

    Args:
        prometheus: is asked for its rules, and for the series of one.
        graph: the alert.
        now: seconds since the epoch.

    Raises:
        PrometheusError: when it cannot be asked.
    """
    rule = find_rule(prometheus.rules(graph.alert), graph.labels[0] if graph.labels else {})
    if rule is None:
        return None
    own = rule.annotations.get(_ANNOTATION, "")
    # What Prometheus would have to fill in first cannot be asked.
    shown = graphed(rule.query if not own or "{{" in own else own)
    # Whole seconds: Prometheus is told thousandths, and a start rounded up would lose the newest point.
    end = math.ceil(max(now, graph.since))
    shown_time = end - (graph.since - BEFORE)
    step = math.ceil(max(shown_time / _POINTS, _SHORTEST_STEP))
    # Counted from the end, so that the newest value is a point of the picture.
    start = end - math.ceil(shown_time / step) * step
    series = agreeing(prometheus.range(shown.expression, start, end, step), graph.labels)
    if not series:
        return None
    from recwatch_bridge.messages.picture import draw  # noqa: PLC0415 - matplotlib takes a second to import

    threshold = shown.threshold
    if shown.against is not None:
        threshold = _now(agreeing(prometheus.range(shown.against, end, end, step), graph.labels))
    return draw(series, title=graph.alert, since=graph.since, end=end, threshold=threshold)


def _now(series: Sequence[Series]) -> float | None:
    """The newest value that all series have; None where they differ: no one line would tell the truth."""
    values = {one.values[-1] for one in series}
    return values.pop() if len(values) == 1 else None


def load(connection: Connection, uid: str) -> bytes | None:
    """Return the picture of a message that is kept, or None."""
    png: bytes | None = connection.scalar(select(pictures.c.png).where(pictures.c.name == uid))
    return png


def find_rule(rules: Sequence[AlertRule], labels: Mapping[str, str]) -> AlertRule | None:
    """Return the rule that an alert comes from, of those of its name.

    Args:
        rules: all of the alert's name.
        labels: the alert's.
    """
    # A rule's labels may be templates; what is written out must agree.
    fitting = [
        rule
        for rule in rules
        if all("{{" in value or labels.get(name) == value for name, value in rule.labels.items())
    ]
    return max(fitting, key=lambda rule: len(rule.labels), default=None)


def agreeing(series: Sequence[Series], alerts: Sequence[Mapping[str, str]]) -> list[Series]:
    """Return the series with points whose labels contradict those of one of the alerts in nothing."""
    return [
        one
        for one in series
        if one.values
        and any(
            all(alert.get(name, value) == value for name, value in one.labels.items()) for alert in alerts
        )
    ]


def _waiting(connection: Connection, sink: str) -> int:
    """Count what waits for a sink, as far as it matters."""
    some = (
        select(messages.c.id)
        .where(messages.c.sink == sink, messages.c.state == "pending")
        .limit(CROWD + 1)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(some)) or 0
