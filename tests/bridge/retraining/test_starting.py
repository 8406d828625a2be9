"""From a reason to the trainer's end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.launchers.base import Ended, Handle, Order, Running
from recwatch_bridge.retraining.launchers.command import CommandLauncher


def test_run_does_not_begin_where_the_version_in_service_cannot_be_read(shop: Any) -> None:
    shop.plan.registry.folder.mkdir(parents=True)
    (shop.plan.registry.folder / "current").write_text("../elsewhere\n", encoding="utf-8")
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "refused", "promoted")
    assert run.state == "failed"
    assert str(run.error).startswith("'../elsewhere' is not a version")
    assert shop.workplace.starts() == []
    assert run.no_trainer


def test_run_fails_where_the_registry_cannot_be_read(shop: Any) -> None:
    (shop.plan.registry.folder / "current").mkdir(parents=True)
    shop.alarm()
    worker = shop.worker()
    run = shop.until(worker, "failed", "promoted")
    assert (run.state, shop.workplace.starts()) == ("failed", [])
    assert "current cannot be read" in str(run.error)
    (shop.plan.registry.folder / "current").rmdir()
    shop.alarm()
    assert shop.until(worker, "failed", "promoted").state == "promoted"


@pytest.mark.parametrize(
    ("trainer", "error"),
    [
        ({"exit": 3}, "the trainer ended with exit code 3"),
        ({"result": {"samples": "many"}}, "the result file cannot be used: metrics: Field required"),
    ],
)
def test_failures_are_told(shop: Any, trainer: dict[str, Any], error: str) -> None:
    shop.workplace.plan(**trainer)
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "promoted")
    assert (run.state, run.error) == ("failed", error)
    assert shop.subjects("slack")[-1] == "[CRITICAL] Retraining failed: als"


def test_missing_program_fails_the_run(shop: Any, tmp_path: Path) -> None:
    shop.alarm()
    broken = CommandLauncher(["./none.sh"], cwd=tmp_path, environment={})
    run = shop.until(shop.worker(launcher=broken), "failed")
    assert str(run.error).startswith("./none.sh could not be started")
    assert run.no_trainer


def test_too_long_a_run_is_stopped(shop: Any) -> None:
    shop.workplace.hold.touch()
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "running")
    wait_until(lambda: len(shop.workplace.starts()) == 1, timeout=30)
    shop.clock.now += 61
    run = shop.until(worker, "failed")
    assert run.error == "the trainer took longer than 60 s and was stopped"
    shop.workplace.hold.unlink()


def test_pending_run_waits_for_the_cooldown(shop: Any) -> None:
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "promoted")
    shop.alarm(fingerprint="f2")
    assert 0 < worker.step() <= 30
    assert shop.last.state == "pending"
    shop.clock.now += 3600
    assert shop.until(worker, "promoted").number == 2


def test_clock_that_was_set_back_delays_no_run_longer_than_before(shop: Any) -> None:
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "promoted")
    shop.alarm(fingerprint="f2")
    shop.clock.now -= 86_400
    worker.step()
    assert shop.last.not_before == shop.clock.now + 3_600
    shop.clock.now += 3_600
    assert shop.until(worker, "promoted").number == 2


def test_clock_that_was_set_back_does_not_suspend_the_timeout(shop: Any) -> None:
    shop.workplace.hold.touch()
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "running")
    shop.clock.now -= 86_400
    worker.step()
    shop.clock.now += 61
    assert shop.until(worker, "failed").error == "the trainer took longer than 60 s and was stopped"
    shop.workplace.hold.unlink()


class Scripted:
    """A launcher that does what a test says; what it was asked to stop is in `stopped`."""

    poll = 0.01

    def __init__(
        self,
        look: Callable[[], Running | Ended],
        meanwhile: Callable[[str], None] = lambda _: None,
        left: str | None = None,
    ) -> None:
        self._look = look
        self._meanwhile = meanwhile
        self._left = left
        self.stopped: list[str] = []

    def launch(self, order: Order) -> Handle:
        self._meanwhile(order.run_id)
        return {"task": order.run_id}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        assert order.run_id
        assert handle is not None
        return self._look()

    def stop(self, order: Order, handle: Handle) -> str | None:
        assert handle["task"]
        self.stopped.append(order.run_id)
        return self._left


def test_trainer_of_a_run_that_another_bridge_ended_is_stopped(shop: Any) -> None:
    def end(run_id: str) -> None:
        with shop.store.write() as connection:
            runs.move(
                connection, runs.get(connection, run_id), "failed", shop.clock.now, error="found nowhere"
            )

    launcher = Scripted(lambda: Ended(None), meanwhile=end)
    shop.alarm()
    shop.worker(launcher=launcher).step()
    assert (shop.last.state, shop.last.error) == ("failed", "found nowhere")
    assert launcher.stopped == [shop.last.id]


def test_what_a_remote_trainer_says_is_kept(shop: Any) -> None:
    answers: list[Running | Ended] = [
        Running({"task": "2"}, log_url="https://ci.example/1"),
        Ended(1, error="the workflow\nwas cancelled", log_url="https://ci.example/2"),
    ]
    worker = shop.worker(launcher=Scripted(lambda: answers.pop(0)))
    shop.alarm()
    worker.step()
    assert worker.step() == Scripted.poll
    assert (shop.last.handle, shop.last.log_url) == ({"task": "2"}, "https://ci.example/1")
    run = shop.until(worker, "failed")
    assert (run.error, run.log_url) == ("the workflow was cancelled", "https://ci.example/2")
    text = shop.messages("email")[-1].notification.entries[0].paragraphs[1]
    assert text.startswith("Log: https://ci.example/2 and ")


def test_trainer_that_cannot_be_stopped_is_named(shop: Any) -> None:
    worker = shop.worker(launcher=Scripted(lambda: Running({"task": "1"}), left="it is on another machine"))
    shop.alarm()
    worker.step()
    shop.clock.now += 61
    run = shop.until(worker, "failed")
    assert run.error == "the trainer took longer than 60 s and could not be stopped: it is on another machine"


def test_a_trainer_that_cannot_be_looked_at_has_its_time(shop: Any) -> None:
    def odd() -> Running:
        raise KeyError("un\0foreseen")

    launcher = Scripted(odd)
    worker = shop.worker(launcher=launcher)
    shop.alarm()
    worker.step()
    for _ in range(6):
        with pytest.raises(KeyError):
            worker.step()
        shop.clock.now += 10
    shop.clock.now += 1
    worker.step()
    assert (shop.last.state, launcher.stopped) == ("failed", [shop.last.id])
    told = "the trainer took longer than 60 s and was stopped; it could not be looked at: KeyError('un"
    assert str(shop.last.error).startswith(told)


def test_a_trainer_that_cannot_even_be_stopped_blocks_nothing(shop: Any) -> None:
    class Odd(Scripted):
        def stop(self, order: Order, handle: Handle) -> str | None:
            raise KeyError(order.run_id, handle)

    worker = shop.worker(launcher=Odd(lambda: Running({"task": "1"})))
    shop.alarm()
    worker.step()
    shop.clock.now += 61
    assert "and could not be stopped: KeyError(" in str(shop.until(worker, "failed").error)
