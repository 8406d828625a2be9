import gc
import os
import sys
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Metric

from recwatch.exposition import render
from recwatch.testing import wait_until
from recwatch.turns import SHORT_TURNS, ShortTurns, let_go


def settings() -> tuple[float, bool]:
    return round(sys.getswitchinterval(), 4), gc.isenabled()


def in_a_child(check: Callable[[], bool]) -> bool:
    """Whether it holds in a child that is forked off here."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if check() else 1)
        except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on with the tests
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_settings_change_inside_and_come_back_outside() -> None:
    turns = ShortTurns()
    usual = sys.getswitchinterval()
    with turns:
        assert (round(sys.getswitchinterval(), 4), gc.isenabled()) == (0.0005, False)
        with turns:
            pass
        assert (round(sys.getswitchinterval(), 4), gc.isenabled()) == (0.0005, False)
    assert (sys.getswitchinterval(), gc.isenabled()) == (usual, True)


def test_a_service_that_collects_no_garbage_goes_on_so() -> None:
    gc.disable()
    try:
        with ShortTurns():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_child_that_is_forked_inside_begins_outside() -> None:
    turns = ShortTurns()
    usual = settings()

    def leaves_and_enters() -> bool:
        begun = settings()
        turns.__exit__(None, None, None)  # the block that it was forked in
        with turns, turns.alone:
            inside = settings()
        return (begun, inside, settings()) == (usual, (0.0005, False), usual)

    with turns, turns.alone:
        assert in_a_child(leaves_and_enters)
        by_another_thread: list[bool] = []
        thread = threading.Thread(target=lambda: by_another_thread.append(in_a_child(leaves_and_enters)))
        thread.start()
        thread.join()
        assert by_another_thread == [True]
        assert settings() == (0.0005, False)
    assert settings() == usual


def test_blocks_that_overlap_leave_half_of_the_time_to_the_garbage_collector() -> None:
    now = 0.0
    turns = ShortTurns(lambda: now)
    collected = []
    turns.__enter__()
    for _ in range(1000):  # one block begins before the other ends, so that somebody is always inside
        with turns:
            collected.append(gc.isenabled())
            now += 0.1
    turns.__exit__(None, None, None)
    assert collected[:10] == [False] * 10
    assert sum(collected) > 900  # it is paused again only where all blocks have been left
    alternating = []
    for _ in range(1000):
        with turns:
            alternating.append(gc.isenabled())
            now += 0.1
    assert 490 <= sum(alternating) <= 510
    now += 60
    with turns:
        assert not gc.isenabled()
    assert gc.isenabled()


def test_one_page_is_written_at_a_time(registry: CollectorRegistry) -> None:
    at_once = most = 0
    waiting = threading.Event()

    class Slow:
        def collect(self) -> list[Metric]:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            waiting.wait(30)
            at_once -= 1
            return []

    registry.register(Slow())
    threads = [threading.Thread(target=render, args=(registry,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: SHORT_TURNS._inside == 3)
    waiting.set()
    for thread in threads:
        thread.join(30)
    assert most == 1


def test_containers_are_emptied() -> None:
    items, table = [1, 2, 3], {"a": 1}
    let_go([items, table])
    assert (items, table) == ([], {})
