"""Works in transactions: many in one on SQLite, one in one on PostgreSQL."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Update, func, insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.storage import committing
from recwatch_bridge.storage.committing import Committer, GroupCommitter, PooledCommitter
from recwatch_bridge.storage.schema import facts
from recwatch_bridge.storage.store import Store


def put(name: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(insert(facts).values(name=name, at=0.0))
        return name

    return work


def names(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(facts.c.name).order_by(facts.c.name)))


@contextmanager
def held_up(store: Store) -> Iterator[None]:
    """What is submitted meanwhile waits, and is then one transaction."""
    with store.write():
        yield


def test_a_work_is_durable_and_its_result_comes_back(any_store: Store) -> None:
    assert any_store.commit(put("a")) == "a"
    assert any_store.submit(put("b")).result(10) == "b"
    assert names(any_store) == ["a", "b"]


def test_what_a_work_raises_comes_back_and_nothing_of_it_stays(any_store: Store) -> None:
    def fail(connection: Connection) -> None:
        put("a")(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        any_store.commit(fail)
    assert names(any_store) == []


def test_many_threads_lose_nothing(any_store: Store) -> None:
    def work(thread: int) -> None:
        for number in range(25):
            any_store.commit(put(f"{thread}-{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(any_store)) == 200


def test_works_that_wait_share_a_transaction(store: Store) -> None:
    seen: list[int] = []

    def look(connection: Connection) -> None:
        seen.append(connection.scalar(select(func.count()).select_from(facts)) or 0)
        with store.read() as outside:
            seen.append(outside.scalar(select(func.count()).select_from(facts)) or 0)

    with held_up(store):
        works: list[Future[Any]] = [store.submit(put("a")), store.submit(put("b")), store.submit(look)]
    wait(works, timeout=10)
    assert seen == [2, 0]
    assert names(store) == ["a", "b"]


def test_a_work_that_fails_is_taken_back_alone(store: Store) -> None:
    with held_up(store):
        works = [store.submit(put(name)) for name in ("a", "b", "a", "c")]
    wait(works, timeout=10)
    assert [type(work.exception()) for work in works] == [
        type(None),
        type(None),
        IntegrityError,
        type(None),
    ]
    assert names(store) == ["a", "b", "c"]


def test_where_the_transaction_is_lost_every_work_of_it_fails(store: Store) -> None:
    def lose(connection: Connection) -> None:
        # As SQLite itself does when the disk is full.
        connection.exec_driver_sql("ROLLBACK")
        raise ZeroDivisionError

    with held_up(store):
        works: list[Future[object]] = [store.submit(put("a")), store.submit(lose), store.submit(put("b"))]
    wait(works, timeout=10)
    assert [type(work.exception()) for work in works] == [ZeroDivisionError] * 3
    assert names(store) == []
    assert store.commit(put("c")) == "c"


def test_a_full_disk_is_an_error_and_the_store_goes_on_when_there_is_room(store: Store) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.execute(insert(facts).values(name="large", at=0.0, value="x" * 100_000))

    def make_room(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    with held_up(store):
        works: list[Future[object]] = [store.submit(put("a")), store.submit(fill)]
    wait(works, timeout=10)
    assert all(isinstance(work.exception(), DatabaseError) for work in works[1:])
    stored = works[0].exception() is None
    store.commit(make_room)
    store.commit(put("b"))
    assert names(store) == (["a", "b"] if stored else ["b"])


def test_a_work_that_was_cancelled_is_not_done(store: Store) -> None:
    with held_up(store):
        first, second = store.submit(put("a")), store.submit(put("b"))
        assert second.cancel()
    assert first.result(10) == "a"
    assert store.commit(put("c")) == "c"
    assert names(store) == ["a", "c"]


def test_a_batch_is_bounded(store: Store) -> None:
    with held_up(store):
        works = [store.submit(put(str(number))) for number in range(committing.BATCH + 50)]
    assert not wait(works, timeout=10).not_done
    assert len(names(store)) == committing.BATCH + 50


@pytest.mark.parametrize("kind", [GroupCommitter, PooledCommitter])
def test_more_than_may_wait_is_refused_at_once(store: Store, kind: type[GroupCommitter]) -> None:
    committer: Committer = kind(store.write, most_waiting=3)
    with held_up(store):
        works = [committer.submit(put(str(number))) for number in range(5)]
        for work in works[3:]:
            assert work.done()
            with pytest.raises(StoreBusyError, match="too much waits for the database: try again"):
                work.result()
    assert [work.result(10) for work in works[:3]] == ["0", "1", "2"]
    assert committer.submit(put("later")).result(10) == "later"
    committer.close()


def test_a_store_that_closes_finishes_what_waits_and_refuses_the_rest(any_store: Store) -> None:
    waiting = [any_store.submit(put(str(number))) for number in range(20)]
    any_store.close()
    assert [work.result(0) for work in waiting] == [str(number) for number in range(20)]
    with pytest.raises(StoreBusyError, match="the bridge is stopping: try again"):
        any_store.commit(put("late"))


def test_a_stranger_who_locks_the_file_costs_the_waiting_works_only(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "data" / "bridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreBusyError, match="database is locked"):
            store.commit(put("a"))
    finally:
        other.close()
    assert store.commit(put("b")) == "b"
    assert names(store) == ["b"]


def test_works_that_block_each_other_are_done_again(postgresql_url: str) -> None:
    store = Store(postgresql_url, lock_timeout=10)
    for name in ("a", "b"):
        store.commit(put(name))
    both_have_one = threading.Barrier(2)
    begun: list[str] = []

    def add(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            begun.append(first)
            connection.execute(_raise(first))
            if len(begun) <= 2:
                both_have_one.wait(10)
            connection.execute(_raise(second))

        return work

    works = [store.submit(add("a", "b")), store.submit(add("b", "a"))]
    for work in works:
        work.result(20)
    assert len(begun) == 3
    with store.read() as connection:
        assert list(connection.scalars(select(facts.c.at))) == [2.0, 2.0]
    store.close()


def _raise(name: str) -> Update:
    return facts.update().where(facts.c.name == name).values(at=facts.c.at + 1)
