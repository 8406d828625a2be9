"""The worker that waits for the Watchdog; its time is a number that the tests move."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.watchdog import WatchdogWorker
from recwatch_bridge.delivering import outbox
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.storage.store import Store

TIMEOUT = 600.0
SILENT = "[CRITICAL] WatchdogSilent: no alert may arrive"
HEARD = "[RESOLVED] WatchdogSilent: alerts arrive again"


@dataclass
class Seconds:
    """A monotonic clock."""

    now: float = 5_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def woken() -> list[str]:
    return []


Make = Callable[..., WatchdogWorker]
Pass = Callable[..., None]


@pytest.fixture
def passes(seconds: Seconds) -> Pass:
    """Lets time pass, with all its looks, for some workers."""

    def go(amount: float, *workers: WatchdogWorker) -> None:
        while amount > 0:
            step = min(amount, 15.0)
            seconds.now += step
            amount -= step
            for worker in workers:
                worker.step()

    return go


@pytest.fixture
def make(store: Store, metrics: BridgeMetrics, clock: Any, seconds: Seconds, woken: list[str]) -> Make:
    """Makes a worker as a bridge does when it starts."""

    def build(**changes: Any) -> WatchdogWorker:
        settings = {"sinks": ["slack", "email"], "timeout": TIMEOUT, "armed": False, **changes}
        return WatchdogWorker(
            store,
            metrics=metrics,
            clock=clock,
            wake_sinks=lambda: woken.append("sinks"),
            monotonic=seconds,
            **settings,
        )

    return build


@pytest.fixture
def hear(acceptor: Acceptor, webhook: Any, alert: Any) -> Callable[[], object]:
    """Posts a Watchdog."""
    return lambda: acceptor.watchdog(webhook(alert("Watchdog")))


def told(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        return [(message.sink, message.subject) for message in outbox.newest(connection, 50)]


def test_silence_is_mailed_once_and_so_is_its_end(
    make: Make, hear: Callable[[], object], store: Store, passes: Pass, woken: list[str]
) -> None:
    worker = make()
    hear()
    worker.step()
    passes(TIMEOUT, worker)
    assert told(store) == []
    for _ in range(3):
        passes(1, worker)
    assert told(store) == [("email", SILENT)]
    hear()
    for _ in range(3):
        worker.step()
    assert told(store) == [("email", SILENT), ("email", HEARD)]
    with store.read() as connection:
        silent, heard = outbox.newest(connection, 50)
    assert (heard.reply_to, silent.kind) == (silent.uid, "watchdog")
    assert woken == ["sinks", "sinks"]
    passes(TIMEOUT + 1, worker)
    assert told(store)[2:] == [("email", SILENT)]


def test_without_email_every_sink_is_told(make: Make, store: Store, passes: Pass) -> None:
    worker = make(sinks=["slack"], armed=True)
    passes(TIMEOUT + 1, worker)
    assert told(store) == [("slack", SILENT)]


def test_one_that_never_came_counts_only_when_it_is_expected(make: Make, store: Store, passes: Pass) -> None:
    worker, armed = make(), make(armed=True)
    passes(TIMEOUT, worker, armed)
    passes(1, worker)
    assert told(store) == []
    passes(1, armed)
    assert told(store) == [("email", SILENT)]
    with store.read() as connection:
        assert '"Last heard","never"' in outbox.newest(connection, 1)[0].body


def test_restart_gives_a_timeout_of_grace(
    make: Make, hear: Callable[[], object], store: Store, clock: Any, passes: Pass
) -> None:
    hear()
    clock.now += 100 * TIMEOUT
    worker = make()
    worker.step()
    passes(TIMEOUT, worker)
    assert told(store) == []
    passes(1, worker)
    assert told(store) == [("email", SILENT)]


def test_silence_that_was_told_outlives_the_process(
    make: Make, hear: Callable[[], object], store: Store, passes: Pass
) -> None:
    hear()
    before = make()
    passes(TIMEOUT + 1, before)
    before.step()
    passes(TIMEOUT + 1, before)
    again = make()
    again.step()
    passes(TIMEOUT + 1, again)
    assert told(store) == [("email", SILENT)]
    # It was heard while no bridge looked.
    hear()
    make().step()
    assert told(store) == [("email", SILENT), ("email", HEARD)]


@pytest.mark.parametrize("step", [-30 * 86_400.0, 30 * 86_400.0])
def test_wall_clock_that_is_set_changes_nothing(
    step: float, make: Make, hear: Callable[[], object], store: Store, passes: Pass
) -> None:
    worker = make()
    hear()
    worker.step()
    worker._clock.now += step  # type: ignore[attr-defined]
    worker.step()
    passes(TIMEOUT, worker)
    hear()
    worker.step()
    passes(TIMEOUT, worker)
    assert told(store) == []
    passes(1, worker)
    assert told(store) == [("email", SILENT)]


def test_time_in_which_nobody_could_look_is_no_silence(
    make: Make, hear: Callable[[], object], store: Store, seconds: Seconds, passes: Pass
) -> None:
    """The database was away: nothing could be noted, and Alertmanager needs a moment to come again."""
    worker = make()
    hear()
    worker.step()
    seconds.now += 100 * TIMEOUT
    worker.step()
    passes(TIMEOUT - 60, worker)
    assert told(store) == []
    passes(1, worker)
    assert told(store) == [("email", SILENT)]


def test_of_two_bridges_one_tells(make: Make, hear: Callable[[], object], store: Store, passes: Pass) -> None:
    first, second = make(armed=True), make(armed=True)
    passes(TIMEOUT + 1, first, second)
    assert told(store) == [("email", SILENT)]
    hear()
    second.step()
    first.step()
    assert told(store) == [("email", SILENT), ("email", HEARD)]


def test_gauges(
    make: Make, hear: Callable[[], object], registry: CollectorRegistry, clock: Any, passes: Pass
) -> None:
    def values() -> tuple[float | None, float | None]:
        names = ("bridge_watchdog_timestamp_seconds", "bridge_watchdog_silent")
        return registry.get_sample_value(names[0]), registry.get_sample_value(names[1])

    worker = make()
    worker.step()
    assert values() == (0, 0)
    hear()
    worker.step()
    assert values() == (clock.now, 0)
    passes(TIMEOUT + 1, worker)
    assert values() == (clock.now, 1)
    hear()
    worker.step()
    assert values() == (clock.now, 0)


@pytest.mark.parametrize(("timeout", "pause"), [(TIMEOUT, 15.0), (10.0, 0.5)])
def test_it_looks_often_enough(make: Make, timeout: float, pause: float) -> None:
    assert make(timeout=timeout).step() == pause
