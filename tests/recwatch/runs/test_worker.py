import threading

from recwatch.runs.worker import Worker
from recwatch.testing import wait_until


def test_a_job_is_waited_for() -> None:
    done: list[int] = []
    worker = Worker("test", print)
    worker.start()
    assert worker.call(lambda: done.append(1), timeout=10)
    assert done == [1]
    worker.close()


def test_a_job_that_hangs_is_waited_for_no_longer_than_told_and_goes_on() -> None:
    release, done = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait()
        done.set()

    worker = Worker("test", print)
    worker.start()
    assert not worker.call(hang, timeout=0.01)
    release.set()
    assert done.wait(10)
    worker.close()


def test_an_error_is_told_and_the_next_job_done() -> None:
    errors: list[Exception] = []
    worker = Worker("test", errors.append)
    worker.start()
    worker.submit(lambda: 1 / 0)
    assert worker.call(lambda: None, timeout=10)
    assert [type(error) for error in errors] == [ZeroDivisionError]
    worker.close()


def test_a_tick_comes_where_there_is_no_job_and_ends_with_the_worker() -> None:
    ticked = threading.Event()
    worker = Worker("test", print, tick=ticked.set)
    worker.start()
    assert ticked.wait(10)
    worker.close()
    wait_until(lambda: not worker._thread.is_alive())
    assert not worker.call(lambda: None, timeout=10)


def test_it_keeps_no_process_alive() -> None:
    assert Worker("test", print)._thread.daemon
