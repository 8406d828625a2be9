"""Bridges on several machines, which share the runs' folder and see their own processes only."""

import os
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining.launchers.base import Ended, NotStarted, Order, Running
from recwatch_bridge.retraining.launchers.command import CommandLauncher

PATIENT = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"
RESULT = '{"version": "v2", "metrics": {}, "samples": 1}'


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(f"als-{uuid.uuid4().hex}", "als", "", tmp_path / "runs" / "r")


@pytest.fixture
def on(tmp_path: Path, ticks: Ticks) -> Any:
    """A launcher as a bridge on a machine makes it."""

    def build(host: str) -> CommandLauncher:
        return CommandLauncher(
            [sys.executable, "-c", PATIENT],
            cwd=tmp_path,
            environment=dict(os.environ),
            shared=True,
            host=host,
            monotonic=ticks,
        )

    return build


@pytest.fixture
def handle(on: Any, tmp_path: Path, order: Order) -> Any:
    """That of a process on the machine `here`, whose bridge is gone."""
    here = on("here")
    yield here.launch(order)
    (tmp_path / "go").touch()
    wait_until(lambda: here.look(order, None) == Ended(0), timeout=20)


def test_a_process_on_another_machine_is_left_alone(on: Any, order: Order, handle: Any) -> None:
    assert handle["host"] == "here"
    there = on("there")
    assert there.look(order, handle) == Running(handle)
    assert there.stop(order, handle) == "it runs on here: stop it there"
    # The bridge that started it died before it could store the handle.
    assert there.look(order, None) == Running(handle)
    assert on("here").look(order, None) == Running(handle)


def test_a_bridge_that_died_while_it_launched_left_its_machine_s_name(on: Any, order: Order) -> None:
    there = on("there")
    assert there.look(order, None) == NotStarted()
    order.folder.mkdir(parents=True)
    (order.folder / "process.json").write_text('{"host": "here"}', encoding="utf-8")
    assert there.look(order, None) == Running({"host": "here"})
    order.log.touch()
    # It may have started the process, and the process may be gone.
    assert on("here").look(order, None) == Ended(None)


def test_a_bridge_that_died_before_the_process_is_found_on_its_machine(
    on: Any, tmp_path: Path, order: Order
) -> None:
    order.folder.mkdir(parents=True)
    (order.folder / "process.json").write_text('{"host": "here"}', encoding="utf-8")
    assert on("there").look(order, None) == Running({"host": "here"})
    here = on("here")
    assert here.look(order, None) == NotStarted()
    assert on("there").look(order, None) == NotStarted()
    handle = here.launch(order)
    assert here.look(order, handle) == Running(handle)
    (tmp_path / "go").touch()
    wait_until(lambda: here.look(order, None) == Ended(0), timeout=20)


def test_a_result_at_rest_is_the_end_of_a_process_on_another_machine(
    on: Any, order: Order, handle: Any, ticks: Ticks
) -> None:
    there = on("there")
    order.result.write_text(RESULT[:10], encoding="utf-8")
    for _ in range(3):
        # However long it rests, a half one is none.
        assert there.look(order, handle) == Running(handle)
        ticks.now += 100
    order.result.write_text(RESULT, encoding="utf-8")
    assert there.look(order, handle) == Running(handle)
    ticks.now += 9
    assert there.look(order, handle) == Running(handle)
    ticks.now += 1
    assert there.look(order, handle) == Ended(None)


def test_a_result_that_still_changes_is_not_at_rest(on: Any, order: Order, handle: Any, ticks: Ticks) -> None:
    there = on("there")
    for more in range(3):
        order.result.write_text(RESULT + " " * more, encoding="utf-8")
        assert there.look(order, handle) == Running(handle)
        ticks.now += 10
