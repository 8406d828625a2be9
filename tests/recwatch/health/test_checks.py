import os
import threading
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.errors import ConfigError, HealthError
from recwatch.health import HealthChecks, Measured
from recwatch.testing import wait_until


def sample(registry: CollectorRegistry, name: str, check: str) -> float | None:
    return registry.get_sample_value(f"health_check_{name}", {"check": check})


def statuses(health: HealthChecks) -> dict[str, str]:
    return {name: result.status for name, result in health.results().items()}


def test_results_are_gauges(health: HealthChecks, registry: CollectorRegistry) -> None:
    def old() -> None:
        raise HealthError("too old", value=9.5)

    health.add("cache", lambda: 0.25)
    health.add("model", old)
    health.add("queue", lambda: None)
    assert sample(registry, "up", "cache") is None
    health.start()
    wait_until(lambda: "unknown" not in statuses(health).values())
    assert statuses(health) == {"cache": "up", "model": "down", "queue": "up"}
    assert [sample(registry, "up", name) for name in ("cache", "model", "queue")] == [1, 0, 1]
    assert [sample(registry, "value", name) for name in ("cache", "model", "queue")] == [0.25, 9.5, None]


def test_a_value_that_is_not_there_any_more_is_absent(
    health: HealthChecks, registry: CollectorRegistry
) -> None:
    broken = threading.Event()

    def check() -> float:
        if broken.is_set():
            raise LookupError
        return 5

    health.add("queue", check, every=0.02)
    health.start()
    wait_until(lambda: sample(registry, "value", "queue") == 5)
    broken.set()
    wait_until(lambda: sample(registry, "up", "queue") == 0)
    assert sample(registry, "value", "queue") is None
    broken.clear()
    wait_until(lambda: sample(registry, "value", "queue") == 5)


def test_gauges_are_fresh_without_probes(health: HealthChecks) -> None:
    runs: list[int] = []
    health.add("queue", lambda: runs.append(1), every=0.01)
    health.start()
    health.start()
    wait_until(lambda: len(runs) > 5)
    health.close()
    seen = len(runs)
    threading.Event().wait(0.05)
    assert len(runs) <= seen + 1


def test_one_that_hangs_holds_up_no_other_and_one_thread(
    health: HealthChecks, registry: CollectorRegistry
) -> None:
    end = threading.Event()
    runs: list[int] = []
    before = threading.active_count()
    health.add("hanging", end.wait, timeout=0.05, every=0.02)
    health.add("quick", lambda: runs.append(1), every=0.02)
    health.start()
    wait_until(lambda: sample(registry, "up", "hanging") == 0 and len(runs) > 10)
    # Ours, the one that hangs, and the quick one's, if it runs just now.
    assert threading.active_count() <= before + 3
    end.set()
    wait_until(lambda: sample(registry, "up", "hanging") == 1)


def test_a_check_may_be_added_while_they_run(health: HealthChecks) -> None:
    health.start()
    health.add("late", lambda: True)
    wait_until(lambda: statuses(health) == {"late": "up"})


def test_the_unit_is_the_check_s_own_unless_said(health: HealthChecks) -> None:
    class Queue:
        unit = "messages"

        def __call__(self) -> Measured:
            return Measured(3)

    health.add("queue", Queue())
    health.add("tasks", Queue(), unit="tasks")
    health.add("plain", lambda: 1)
    assert [check.unit for check in health.checks()] == ["messages", "tasks", None]


@pytest.mark.parametrize("name", ["", "Queue", "a-b", "1st", "a b", "a\n", "q" * 64, "é"])
def test_names_are_checked(health: HealthChecks, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a check: write a to z"):
        health.add(name, lambda: True)


def test_what_makes_no_sense_is_refused(health: HealthChecks) -> None:
    health.add("queue", lambda: True)
    with pytest.raises(ConfigError, match="there is a check queue already"):
        health.add("queue", lambda: True)
    for settings in ({"timeout": 0}, {"every": -1}, {"timeout": float("nan")}, {"every": float("inf")}):
        told: Any = settings
        with pytest.raises(ConfigError, match=r"of the check other is .*: give seconds above 0"):
            health.add("other", lambda: True, **told)


def test_pending_is_the_longest_wait_for_a_first_result(health: HealthChecks) -> None:
    assert health.pending() == 0
    health.add("slow", lambda: True, timeout=30, critical=False)
    health.add("quick", lambda: True, timeout=3)
    assert (health.pending(), health.pending(critical=True)) == (30, 3)
    health.start()
    wait_until(lambda: health.pending() == 0)


def test_a_fault_of_ours_is_counted_and_ends_nothing(
    health: HealthChecks, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    health.add("queue", lambda: True, every=0.01)
    (check,) = health.checks()
    own_step = check.step
    faults = [LookupError("ours")]

    def step(now: float) -> float:
        if faults:
            raise faults.pop()
        return own_step(now)

    check.step = step  # type: ignore[method-assign]
    health.start()
    wait_until(lambda: statuses(health) == {"queue": "up"})
    labels = {"target": "health", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1
    assert "ours" in caplog.text


def test_a_child_of_a_fork_begins_anew(health: HealthChecks) -> None:
    health.add("queue", os.getpid)
    health.start()
    wait_until(lambda: statuses(health) == {"queue": "up"})
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            before = statuses(health)["queue"]
            health.start()
            wait_until(lambda: statuses(health) == {"queue": "up"})
            value = health.results()["queue"].value
            os.write(writing, f"{before} {value == os.getpid()}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "unknown True"
    os.waitpid(child, 0)
    assert health.results()["queue"].value == os.getpid()


def test_a_gauge_that_cannot_be_set_is_counted_and_the_answer_stands(
    health: HealthChecks, registry: CollectorRegistry
) -> None:
    def full(value: float) -> None:  # noqa: ARG001 - the gauge's signature
        raise OSError(28, "No space left on device")

    health.add("queue", lambda: 3)
    health._metrics.value.labels("queue").set = full  # type: ignore[method-assign]
    health.start()
    wait_until(lambda: statuses(health) == {"queue": "up"})
    labels = {"target": "health", "reason": "error"}
    wait_until(lambda: registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1)


def test_it_ends_at_once_whenever_it_is_closed(health: HealthChecks) -> None:
    health.add("queue", lambda: True, every=3600)
    for _ in range(200):
        health.start()
        health.close()
    assert "recwatch-health" not in [thread.name for thread in threading.enumerate()]
