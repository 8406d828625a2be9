"""A fork waits for the transactions of other threads, and they for the fork."""

import logging
import os
import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from recwatch.store import open_store
from recwatch.store.forks import GATE, ForkGate, in_database
from recwatch.testing import wait_until

Run = Callable[[Callable[[], object]], threading.Thread]


@pytest.fixture(scope="module")
def gate() -> ForkGate:
    return ForkGate()


@pytest.fixture
def run() -> Iterator[Run]:
    threads: list[threading.Thread] = []

    def run(work: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        threads.append(thread)
        thread.start()
        return thread

    yield run
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def fork(in_child: Callable[[], object] = lambda: None) -> int:
    """The exit code of a child that did this: 0, or 1 where it raised."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        in_child()
    except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
        os._exit(1)
    os._exit(0)


def test_a_fork_waits_until_other_threads_are_out(gate: ForkGate, run: Run) -> None:
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with gate.inside():
            entered.set()
            leave.wait(30)
            order.append("left")

    run(work)
    entered.wait(30)
    forking = run(lambda: order.append(f"forked {fork()}"))
    wait_until(lambda: gate.held, timeout=30)
    leave.set()
    forking.join(30)
    assert order == ["left", "forked 0"]


def test_who_comes_while_a_fork_waits_goes_after_it_but_who_is_inside_goes_on(
    gate: ForkGate, run: Run
) -> None:
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def inside() -> None:
        with gate.inside():
            entered.set()
            leave.wait(30)
            with gate.inside():
                order.append("inside again")

    def come() -> None:
        with gate.inside():
            order.append("came")

    run(inside)
    entered.wait(30)
    forking = run(lambda: order.append(f"forked {fork()}"))
    wait_until(lambda: gate.held, timeout=30)
    coming = run(come)
    leave.set()
    forking.join(30)
    coming.join(30)
    assert order[0] == "inside again"
    assert sorted(order[1:]) == ["came", "forked 0"]
    assert not gate.held


def test_a_fork_does_not_wait_for_ever(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    gate = ForkGate(most=0.05)
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with gate.inside():
            entered.set()
            leave.wait(30)

    run(work)
    entered.wait(30)
    with caplog.at_level(logging.WARNING, logger="recwatch.store"):
        assert fork() == 0
    leave.set()
    assert [record.getMessage() for record in caplog.records] == [
        "Forked during a transaction | waited=0.05s"
    ]


def test_a_thread_may_fork_while_it_is_inside_itself(gate: ForkGate) -> None:
    def leave_and_enter() -> None:
        with gate.inside():
            pass

    with gate.inside():
        assert fork(leave_and_enter) == 0
    assert fork(leave_and_enter) == 0


def test_what_runs_for_a_fork_may_come_inside(run: Run) -> None:
    """As a handler of the log does that writes to a store, here of the fork's own warning."""
    gate = ForkGate(most=0.05)
    entered, leave = threading.Event(), threading.Event()
    codes: list[int] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with gate.inside():
                codes.append(record.levelno)

    def work() -> None:
        with gate.inside():
            entered.set()
            leave.wait(30)

    run(work)
    entered.wait(30)
    handler = Handler()
    logging.getLogger("recwatch.store").addHandler(handler)
    try:
        run(lambda: codes.append(fork())).join(30)
    finally:
        logging.getLogger("recwatch.store").removeHandler(handler)
        leave.set()
    assert codes == [logging.WARNING, 0]


def test_threads_that_fork_inside_do_not_wait_for_each_other(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    gate = ForkGate(most=10)
    both = threading.Barrier(2)
    codes: list[int] = []

    def work() -> None:
        with gate.inside():
            both.wait(30)
            codes.append(fork())

    for thread in [run(work), run(work)]:
        thread.join(30)
    assert codes == [0, 0]
    assert caplog.records == []


def test_a_gate_that_is_made_while_a_fork_is_under_way_lets_threads_in() -> None:
    gates: list[ForkGate] = []
    os.register_at_fork(before=lambda: None if gates else gates.append(ForkGate()))

    assert fork() == 0
    assert not gates[0].held
    with gates[0].inside():
        assert fork() == 0


def test_a_fork_does_not_wait_for_postgresql(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with in_database(sa.make_url("postgresql+psycopg://localhost/shop")):
            entered.set()
            leave.wait(30)

    run(work)
    entered.wait(30)
    assert fork() == 0
    leave.set()
    assert caplog.records == []


def test_a_child_does_not_wait_for_threads_that_it_has_not(run: Run) -> None:
    gate = ForkGate(most=0.05)
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with gate.inside():
            entered.set()
            leave.wait(30)

    run(work)
    entered.wait(30)
    # Its own fork would wait for the parent's thread, and say so.
    assert fork(lambda: os._exit(7 if gate._inside else fork())) == 0
    leave.set()


@pytest.mark.parametrize("use", ["transaction", "open", "close"])
def test_every_use_of_a_store_holds_up_a_fork(
    use: str, store_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is run inside a use of the database sees a fork that waits for it."""
    order: list[str] = []
    forking: list[threading.Thread] = []

    def meanwhile() -> None:
        forking.append(run(lambda: order.append(f"forked {fork()}")))
        wait_until(lambda: GATE.held, timeout=30)
        order.append(use)

    if use == "open":
        monkeypatch.setattr("recwatch.store.store.upgrade", lambda _engine: meanwhile())
        open_store(store_url).close()
    elif use == "close":
        store = open_store(store_url)
        sa.event.listen(store.engine, "engine_disposed", lambda _engine: meanwhile())
        store.close()
    else:
        with open_store(store_url) as store, store.transaction():
            meanwhile()
    forking[0].join(30)
    assert order == [use, "forked 0"]
