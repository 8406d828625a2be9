import os
import threading

from recwatch.lifetime import flush_all
from recwatch.quality.ticker import Ticker
from recwatch.testing import wait_until


def nothing() -> None:
    return


def test_work_is_done_every_interval_and_once_more_at_the_end() -> None:
    calls: list[bool] = []
    ticker = Ticker(calls.append, 0.01, nothing, nothing)
    ticker.start()
    ticker.start()
    wait_until(lambda: len(calls) >= 3)
    assert ticker.close(10) is True
    assert calls[-1] is True
    assert not any(calls[:-1])


def test_a_nudge_waits_for_a_whole_turn() -> None:
    calls: list[bool] = []
    ticker = Ticker(calls.append, 3_600, nothing, nothing)
    assert ticker.nudge(10) is True
    assert calls
    ticker.close(10)


def test_one_that_never_started_works_once_at_its_end() -> None:
    calls: list[bool] = []
    ticker = Ticker(calls.append, 3_600, nothing, nothing)
    assert ticker.close(10) is True
    assert ticker.close(10) is True
    assert calls == [True]
    assert ticker.nudge(0.01) is False


def test_work_that_hangs_holds_nobody_up() -> None:
    end = threading.Event()

    def hang(_last: object) -> None:
        end.wait(30)

    ticker = Ticker(hang, 3_600, nothing, nothing)
    assert ticker.nudge(0.05) is False
    assert ticker.close(0.05) is False
    end.set()
    assert ticker.close(10) is True


def test_a_child_starts_its_own_thread() -> None:
    forks: list[int] = []
    ticker = Ticker(lambda _last: None, 3_600, lambda: forks.append(os.getpid()), nothing)
    assert ticker.nudge(10) is True
    child = os.fork()
    if child == 0:
        os._exit(0 if forks == [os.getpid()] and not ticker.ready and ticker.nudge(10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ticker.close(10)


def test_the_end_of_an_application_may_be_the_last_turn() -> None:
    calls: list[str] = []
    ticker = Ticker(lambda _last: calls.append("work"), 3_600, nothing, lambda: calls.append("ending"))
    flush_all()
    assert calls == []
    ticker.start()
    flush_all()
    assert calls == ["ending", "work"]
    ticker.close(10)
    flush_all()
    assert calls == ["ending", "work", "work"]
