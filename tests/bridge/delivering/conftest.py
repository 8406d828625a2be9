"""An outbox with workers on it; time is the real one, waits are short."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from recwatch.testing import Certificate, MailServer, SlackServer, make_certificate, wait_until
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.delivery import Backoff, DeliveryWorker
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Sink
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.storage.store import Store

QUICK = Backoff(initial=0.01, maximum=0.05, give_up_after=60.0)


@dataclass
class Box:
    """The outbox of a store."""

    store: Store

    def put(self, subject: str, *about: str, sink: str = "email", now: float | None = None) -> str:
        with self.store.write() as connection:
            said = Notification(subject, "info", (Entry(subject),))
            return outbox.enqueue(connection, said, sink=sink, kind="alerts", about=about, now=now or wall())

    def rows(self, sink: str | None = None) -> list[Message]:
        with self.store.read() as connection:
            return [row for row in outbox.newest(connection, 500) if sink in (None, row.sink)]

    def states(self, sink: str | None = None) -> list[tuple[str, int, str | None]]:
        return [(row.state, row.attempts, row.error) for row in self.rows(sink)]

    def settled(self, sink: str | None = None) -> list[tuple[str, int, str | None]]:
        """Wait until nothing is pending."""
        wait_until(lambda: all(row.state != "pending" for row in self.rows(sink)), timeout=30)
        return self.states(sink)


@pytest.fixture
def box(store: Store) -> Box:
    return Box(store)


@pytest.fixture
def worker_of(store: Store, metrics: BridgeMetrics) -> Callable[..., DeliveryWorker]:
    """Makes a worker for a sink, not started."""

    def make(
        sink: Sink, *, backoff: Backoff = QUICK, on: Store = store, clock: Callable[[], float] = wall
    ) -> DeliveryWorker:
        chance = random.Random(0)  # noqa: S311 - spreads retries
        return DeliveryWorker(sink, on, backoff=backoff, metrics=metrics, clock=clock, chance=chance)

    return make


@pytest.fixture
def begin(
    worker_of: Callable[..., DeliveryWorker], mail: MailServer, slack: SlackServer
) -> Iterator[Callable[..., DeliveryWorker]]:
    """Starts a worker for a sink; workers end before the servers do."""
    del mail, slack
    workers: list[DeliveryWorker] = []

    def start(sink: Sink, backoff: Backoff = QUICK, **more: Store) -> DeliveryWorker:
        worker = worker_of(sink, backoff=backoff, **more)
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()
        worker.join(10)
        assert not worker.is_alive()


@pytest.fixture(scope="session")
def make_trusted(
    require_component: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Certificate]:
    """Makes certificates for servers of a name, 127.0.0.1 without one."""
    there = shutil.which("openssl") is not None
    require_component("openssl", is_there=there, remedy="apt-get install openssl")

    def make(*name: str) -> Certificate:
        return make_certificate(tmp_path_factory.mktemp("certificate"), *name)

    return make
