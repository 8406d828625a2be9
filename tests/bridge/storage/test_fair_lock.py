import threading

from recwatch.testing import wait_until
from recwatch_bridge.storage.fair_lock import FairLock


def test_one_at_a_time() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0)


def test_first_come_first_served() -> None:
    lock, served = FairLock(), []

    def take(number: int) -> None:
        assert lock.acquire(10)
        served.append(number)
        lock.release()

    assert lock.acquire(0)
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        wait_until(lambda: len(lock._waiting) == len(threads))
    lock.release()
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2, 3, 4]


def test_who_gave_up_is_not_served() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0)
    assert not lock._waiting


def test_many_threads_never_hold_it_together() -> None:
    lock, inside, most = FairLock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            # Some give up just when their turn comes.
            if lock.acquire(0.0005):
                inside += 1
                most = max(most, inside)
                inside -= 1
                lock.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert lock.acquire(0)
