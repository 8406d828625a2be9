"""Bridges that share a PostgreSQL database: each message once, in order, at one pace."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from recwatch.testing import MailServer, SlackServer, Wire, wait_until
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import pace_of
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Outcome
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.delivering.sinks.slack import SlackSink
from recwatch_bridge.storage.store import Store

Begin = Callable[..., DeliveryWorker]

# A bridge as far as delivering goes.
SENDER = """
import random, sys
from prometheus_client import CollectorRegistry
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering.delivery import Backoff, DeliveryWorker
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.storage.store import Store

server = Server("127.0.0.1", int(sys.argv[2]), "none", 60.0)
sink = EmailSink(server, sender="a@example.com", to=["b@example.com"])
metrics = BridgeMetrics(CollectorRegistry(), sinks=["email"], models=[])
backoff = Backoff(1.0, 60.0, 3600.0)
worker = DeliveryWorker(
    sink, Store(sys.argv[1]), backoff=backoff, metrics=metrics, clock=wall, chance=random.Random()
)
worker.start()
worker.join()
"""


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    opened = Store(postgresql_url)
    yield opened
    opened.close()


@pytest.fixture
def other_store(store: Store, postgresql_url: str) -> Iterator[Store]:
    """Another bridge's way to the same database."""
    del store
    opened = Store(postgresql_url)
    yield opened
    opened.close()


class SlowSink:
    """Takes its time, and notes who sends at once."""

    name = "email"

    def __init__(self, *, min_interval: float = 0.0) -> None:
        self.min_interval = min_interval
        self.sent: list[str] = []
        self.sending: set[str] = set()
        self.together: list[set[str]] = []
        self._lock = threading.Lock()
        self._turn = threading.Event()

    def send(self, message: Message) -> Outcome:
        with self._lock:
            self.sending.add(message.subject)
            self.together.append(set(self.sending))
        self._turn.wait(0.01)
        with self._lock:
            self.sending.discard(message.subject)
            self.sent.append(message.subject)
        return Delivered()


def test_each_message_is_sent_once_and_in_order(
    box: Any, other_store: Store, begin: Begin, store: Store
) -> None:
    sink = SlowSink()
    for status in ("firing", "resolved"):
        for number in range(30):
            box.put(f"{status} {number}", f"alert:{number}")
    begin(sink, on=store)
    begin(sink, on=other_store)
    assert {row[:2] for row in box.settled()} == {("delivered", 1)}
    assert len(sink.sent) == len(set(sink.sent)) == 60
    assert max(map(len, sink.together)) == 2
    for number in range(30):
        assert sink.sent.index(f"firing {number}") < sink.sent.index(f"resolved {number}")


def test_no_two_bridges_send_at_once_to_a_sink_with_a_pace(
    box: Any, other_store: Store, begin: Begin, store: Store
) -> None:
    sink = SlowSink(min_interval=0.02)
    for number in range(10):
        box.put(f"number {number}")
    begin(sink, on=store)
    begin(sink, on=other_store)
    assert {row[:2] for row in box.settled()} == {("delivered", 1)}
    assert max(map(len, sink.together)) == 1


def test_slack_gets_one_message_an_interval_from_all_bridges(
    box: Any, other_store: Store, begin: Begin, store: Store
) -> None:
    arrived: list[float] = []
    with SlackServer(on_message=lambda _: arrived.append(time.monotonic())) as slack:
        for number in range(6):
            box.put(f"number {number}", sink="slack")
        workers = [begin(SlackSink(slack.url, min_interval=0.2), on=on) for on in (store, other_store)]
        box.settled()
        for worker in workers:
            worker.stop()
            worker.join(10)
    gaps = [after - before for before, after in itertools.pairwise(arrived)]
    assert len(gaps) == 5
    assert min(gaps) >= 0.2 - 0.05  # what an answer may have been under way


def test_what_a_sink_asked_of_one_bridge_holds_for_the_other(
    box: Any, worker_of: Begin, store: Store, other_store: Store
) -> None:
    class Busy(SlowSink):
        def send(self, message: Message) -> Outcome:
            self.sent.append(message.subject)
            return Later("too many", after=30.0)

    sink = Busy()
    box.put("one")
    box.put("two")
    one = worker_of(sink, on=store)
    one.stop()  # or it would wait within the step
    one.step()
    wait = worker_of(sink, on=other_store).step()
    assert sink.sent == ["one"]
    with box.store.read() as connection:
        assert pace_of(connection, "email").failures == 1
    assert 0.0 < wait <= 30.0


def test_an_outcome_is_recorded_though_the_connection_broke_meanwhile(
    box: Any, worker_of: Begin, store: Store, other_store: Store
) -> None:
    class Cutter(SlowSink):
        def send(self, message: Message) -> Outcome:
            with other_store.write() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
                    )
                )
            return super().send(message)

    sink = Cutter()
    box.put("one")
    worker_of(sink, on=store).step()
    assert box.states() == [("delivered", 1, None)]
    assert sink.sent == ["one"]


def test_what_a_killed_bridge_was_sending_goes_to_another_at_once(
    box: Any, begin: Begin, store: Store, postgresql_url: str, mail: MailServer
) -> None:
    box.put("firing", "alert:a")
    box.put("resolved", "alert:a")
    with Wire(mail.host, mail.port) as wire:
        wire.hang()
        process = subprocess.Popen([sys.executable, "-c", SENDER, postgresql_url, str(wire.port)])
        try:
            wait_until(lambda: wire.connections == 1, timeout=30)
            server = Server(mail.host, mail.port, "none", 5.0)
            sink = EmailSink(server, sender="alerts@example.com", to=["team@example.com"])
            worker = begin(sink, on=store)
            # The row is taken: nothing is due for the other, and nothing overtakes it.
            worker.wake()
            assert mail.messages == []
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        worker.wake()
        assert {row[:2] for row in box.settled()} == {("delivered", 1)}
    assert [message["Subject"] for message in mail.messages] == ["firing", "resolved"]
