"""Listening for Alertmanager's Watchdog, which always fires: when it stays away, the bridge says so itself.

The only time that counts is the process's own monotonic one: how long has the stored note of the last
Watchdog not changed? So a wall clock that is set, forwards or backwards, raises no alarm and delays none, and
bridges that share a database need not agree on the time. Time in which nobody could look, because the
database was away or the machine asleep, is no silence: nothing could have been noted either.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from sqlalchemy import Connection

from recwatch_bridge.accepting import watchdog_messages
from recwatch_bridge.clock import Clock, readable
from recwatch_bridge.delivering import outbox
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.metrics import WATCHDOG, BridgeMetrics
from recwatch_bridge.storage import facts
from recwatch_bridge.storage.facts import Fact
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import Worker

HEARD = "watchdog"
"""The fact: when the Watchdog was last heard; its value is another one each time."""
SILENT = "watchdog-silent"
"""The fact, while the Watchdog is silent: when that was told; its value is a `_Silence` as JSON."""
_TOPIC = "watchdog"
_LONGEST_PAUSE = 15.0
_LOOKS = 20.0
_MISSED_LOOKS = 4.0
"""As long as so many pauses may lie between two looks; what is more does not count."""

log = logging.getLogger(__name__)


def hear(connection: Connection, now: float) -> None:
    """Note that the Watchdog was heard."""
    facts.put(connection, HEARD, Fact(now, uuid.uuid4().hex))


@dataclass(frozen=True)
class _Silence:
    """What goes with `SILENT`: the value of the last note, and by sink the uid of the message."""

    after: str | None
    messages: dict[str, str]

    @classmethod
    def of(cls, silent: Fact) -> Self:
        return cls(**json.loads(silent.value or '{"after": null, "messages": {}}'))


class WatchdogWorker(Worker):
    """Tells once an episode that the Watchdog is silent, and once that it is heard again.

    Args:
        store: the database.
        sinks: names of the sinks that exist; email alone is told where there is one.
        timeout: seconds of silence that are too long; as long is the grace after a start.
        armed: whether silence counts before the Watchdog was ever heard.
        metrics: where it counts.
        clock: gives now.
        wake_sinks: called when there is a message to deliver.
        monotonic: gives seconds that nobody can set.
    """

    def __init__(
        self,
        store: Store,
        *,
        sinks: Sequence[str],
        timeout: float,
        armed: bool,
        metrics: BridgeMetrics,
        clock: Clock,
        wake_sinks: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(WATCHDOG, metrics)
        self._store = store
        self._sinks = [sink for sink in sinks if sink == "email"] or list(sinks)
        self._timeout = timeout
        self._armed = armed
        self._clock = clock
        self._wake_sinks = wake_sinks
        self._monotonic = monotonic
        self._pause = min(_LONGEST_PAUSE, timeout / _LOOKS)
        self._heard: Fact | None = None
        self._silence = 0.0
        self._looked = monotonic()

    def step(self) -> float:
        """Look whether the Watchdog was heard; tell what has changed."""
        with self._store.read() as connection:
            heard, silent = facts.get(connection, HEARD), facts.get(connection, SILENT)
        self._count_silence(heard)
        if silent is not None and _value(heard) != _Silence.of(silent).after:
            self._tell_heard(silent)
            silent = None
        elif silent is None and self._too_long(heard):
            silent = self._tell_silent(heard)
        self._metrics.watchdog_last.set(0.0 if heard is None else heard.at)
        self._metrics.watchdog_silent.set(silent is not None)
        return self._pause

    def _count_silence(self, heard: Fact | None) -> None:
        now = self._monotonic()
        self._silence += min(now - self._looked, _MISSED_LOOKS * self._pause)
        self._looked = now
        if heard != self._heard:
            self._heard, self._silence = heard, 0.0

    def _too_long(self, heard: Fact | None) -> bool:
        return (heard is not None or self._armed) and self._silence > self._timeout

    def _tell_silent(self, heard: Fact | None) -> Fact | None:
        """Tell that it is silent, unless it is not or somebody else has; returns what is known."""
        now = self._clock()

        def work(connection: Connection) -> tuple[Fact | None, bool]:
            self._store.serial(connection, WATCHDOG)
            known = facts.get(connection, SILENT)
            if known is not None or facts.get(connection, HEARD) != heard:
                return known, False
            notice = watchdog_messages.silent(None if heard is None else heard.at, self._timeout)
            uids = self._enqueue(connection, notice, {}, now)
            fact = Fact(now, json.dumps(asdict(_Silence(_value(heard), uids))))
            facts.put(connection, SILENT, fact)
            return fact, True

        known, told = self._store.commit(work)
        if told:
            last = "never" if heard is None else readable(heard.at)
            log.error("Alertmanager's Watchdog is silent; last heard: %s", last)
            self._wake_sinks()
        return known

    def _tell_heard(self, silent: Fact) -> None:
        """Tell that it is heard again, unless somebody else has."""
        now = self._clock()

        def work(connection: Connection) -> bool:
            self._store.serial(connection, WATCHDOG)
            if facts.get(connection, SILENT) != silent:
                return False
            notice = watchdog_messages.heard_again(silent.at, now)
            self._enqueue(connection, notice, _Silence.of(silent).messages, now)
            facts.forget(connection, SILENT)
            return True

        if self._store.commit(work):
            log.warning("Alertmanager's Watchdog is heard again")
            self._wake_sinks()

    def _enqueue(
        self, connection: Connection, notice: Notification, answers: dict[str, str], now: float
    ) -> dict[str, str]:
        return {
            sink: outbox.enqueue(
                connection,
                notice,
                sink=sink,
                kind="watchdog",
                about=[_TOPIC],
                now=now,
                reply_to=answers.get(sink),
            )
            for sink in self._sinks
        }


def _value(heard: Fact | None) -> str | None:
    return None if heard is None else heard.value
