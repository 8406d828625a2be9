"""The table of rollbacks."""

import threading
from collections.abc import Iterator

import pytest

from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.retraining.rollbacks import Rollback
from recwatch_bridge.storage.store import Store

EPISODE = ("f1", "2026-11-21T03:15:00+00:00")


def ask(store: Store, **more: object) -> str | None:
    values = {"trigger": "alert", "reason": "broken", "now": 1_800_000_000.0, **more}
    with store.write() as connection:
        return rollbacks.create(connection, "als", **values)  # type: ignore[arg-type]


def read(store: Store) -> list[Rollback]:
    with store.read() as connection:
        return rollbacks.newest(connection, 10)


def test_an_episode_has_one(store: Store) -> None:
    first = ask(store, episode=EPISODE, labels={"alertname": "Broken"}, serving="v2")
    assert first is not None
    assert ask(store, episode=EPISODE) is None
    assert ask(store, episode=(EPISODE[0], "later")) is not None
    kept = read(store)[0]
    assert (kept.id, kept.state, kept.serving, kept.target) == (first, "pending", "v2", None)
    assert kept.labels == {"alertname": "Broken"}
    assert not kept.is_promotion


def test_without_an_episode_each_is_its_own(store: Store) -> None:
    first, second = ask(store, trigger="manual"), ask(store, trigger="manual", target="v3")
    assert None not in (first, second)
    assert [item.is_promotion for item in read(store)] == [False, True]


def test_an_id_fits_its_column_however_long_the_model(store: Store) -> None:
    with store.write() as connection:
        made = rollbacks.create(connection, "m" * 63, trigger="manual", reason="", target="v1", now=0.0)
    assert made is not None
    assert len(made) < 64


def test_what_is_left_to_do(store: Store) -> None:
    for _ in range(4):
        ask(store, trigger="manual")
    ends: list[dict[str, str | None]] = [
        {"state": "declined"},
        {"state": "done", "reload": "pending"},
        {"state": "done", "reload": "failed"},
    ]
    with store.write() as connection:
        for item, values in zip(rollbacks.newest(connection, 10), ends, strict=False):
            assert rollbacks.note(connection, item, **values)
    with store.read() as connection:
        left = rollbacks.unfinished(connection, "als")
        assert rollbacks.unfinished(connection, "bpr") == []
    assert [(item.state, item.reload) for item in left] == [("done", "pending"), ("pending", None)]


def test_the_first_to_note_an_end_wins(store: Store) -> None:
    ask(store)
    (seen,) = read(store)
    with store.write() as connection:
        assert rollbacks.note(connection, seen, state="done", reload="pending", first_notice={"email": "u1"})
        assert not rollbacks.note(connection, seen, state="declined")
        loaded = rollbacks.get(connection, seen.id)
        assert rollbacks.note(connection, loaded, reload="done")
        assert not rollbacks.note(connection, loaded, reload="failed")
    (kept,) = read(store)
    assert (kept.state, kept.reload, kept.first_notice) == ("done", "done", {"email": "u1"})


def test_the_newest_of_a_model(store: Store) -> None:
    made = [ask(store, trigger="manual") for _ in range(3)]
    with store.write() as connection:
        rollbacks.create(connection, "bpr", trigger="manual", reason="", now=0.0)
    with store.read() as connection:
        assert [item.id for item in rollbacks.newest(connection, 2, model="als")] == made[1:]


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[list[Store]]:
    stores = [Store(postgresql_url), Store(postgresql_url)]
    yield stores
    for opened in stores:
        opened.close()


def test_two_bridges_create_one(shared: list[Store]) -> None:
    made: list[str | None] = []
    together = threading.Barrier(len(shared))

    def create(store: Store) -> None:
        together.wait()
        for number in range(20):
            made.append(ask(store, episode=("f1", str(number)), labels={"a": "\0"}))  # noqa: PERF401

    threads = [threading.Thread(target=create, args=(store,)) for store in shared]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 40
    assert sum(one is not None for one in made) == 20
