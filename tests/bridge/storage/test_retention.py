from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select, text, update

from recwatch_bridge.accepting import identities
from recwatch_bridge.delivering import dead_letters, outbox
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage import attachments, forgetting, retention, schema
from recwatch_bridge.storage.attachments import Attachment
from recwatch_bridge.storage.retention import RetentionWorker
from recwatch_bridge.storage.store import Store

KEEP = 100.0


@pytest.fixture
def store(any_store: Store) -> Store:
    """Each test runs on both databases."""
    return any_store


@pytest.fixture
def keeper(store: Store, metrics: BridgeMetrics, clock: Any, tmp_path: Path) -> RetentionWorker:
    return RetentionWorker(store, folder=tmp_path / "runs", keep=KEEP, metrics=metrics, clock=clock)


def put(store: Store, subject: str, now: float, state: str = "pending") -> None:
    with store.write() as connection:
        said = Notification(subject, "info", (Entry(subject),))
        about = [f"alert:{subject}"]
        outbox.enqueue(connection, said, sink="email", kind="alerts", about=about, now=now)
        message = outbox.newest(connection, 1)[0]
        if state == "delivered":
            outbox.mark_delivered(connection, message, now)
        elif state == "dead":
            outbox.mark_dead(connection, message, now, "refused")


def add_run(store: Store, folder: Path, now: float, *states: str, **values: object) -> str:
    """A run with one reason and a folder that went through states, all at one moment."""
    with store.write() as connection:
        run_id = runs.create(connection, "als", "alert", not_before=now, now=now)
        runs.join(connection, run_id, Reason(("f", str(now)), "drift"), now)
        for state in states:
            assert runs.move(connection, runs.get(connection, run_id), state, now)
        if values:
            runs.note(connection, runs.get(connection, run_id), **values)
    (folder / run_id).mkdir(parents=True)
    (folder / run_id / "trainer.log").write_text("done\n", encoding="utf-8")
    return run_id


def count(store: Store, table: Table) -> int | None:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_delivered_and_dropped_messages_are_forgotten_and_no_others(
    store: Store, keeper: RetentionWorker, clock: Any
) -> None:
    old = clock.now - KEEP - 1
    put(store, "old dropped", old, "dead")
    with store.write() as connection:
        assert dead_letters.drop(connection, None) == 1
    for state in ("delivered", "dead", "pending"):
        put(store, f"old {state}", old, state)
    put(store, "new delivered", clock.now - KEEP + 1, "delivered")
    assert keeper.step() == retention.INTERVAL
    with store.read() as connection:
        left = [message.subject for message in outbox.newest(connection, 10)]
    assert left == ["old dead", "old pending", "new delivered"]
    assert count(store, schema.topics) == 2


def test_old_identities_are_forgotten(
    store: Store, keeper: RetentionWorker, clock: Any, webhook: Any, alert: Any
) -> None:
    with store.write() as connection:
        identities.remember(connection, "email", webhook(alert()).alerts, clock.now - KEEP - 1)
        identities.remember(
            connection, "email", webhook(alert(fingerprint="f2")).alerts, clock.now - KEEP + 1
        )
    keeper.step()
    with store.read() as connection:
        assert list(connection.scalars(select(schema.alerts.c.fingerprint))) == ["f2"]


def test_an_alert_of_which_people_are_reminded_is_not_forgotten(
    store: Store, keeper: RetentionWorker, clock: Any, webhook: Any, alert: Any
) -> None:
    with store.write() as connection:
        identities.remember(connection, "email", webhook(alert()).alerts, clock.now - KEEP - 1)
        connection.execute(update(schema.alerts).values(told=clock.now - KEEP + 1))
    keeper.step()
    assert count(store, schema.alerts) == 1


def test_pictures_are_forgotten_and_facts_are_not(store: Store, keeper: RetentionWorker, clock: Any) -> None:
    with store.write() as connection:
        for age in (KEEP + 1, KEEP - 1):
            row = {"name": f"{age}", "created": clock.now - age, "png": b"png"}
            connection.execute(insert(schema.pictures).values(row))
        connection.execute(insert(schema.facts).values(name="watchdog", at=0.0))
    keeper.step()
    with store.read() as connection:
        assert list(connection.scalars(select(schema.pictures.c.name))) == ["99.0"]
    assert count(store, schema.facts) == 1


def test_a_file_goes_with_its_message(store: Store, keeper: RetentionWorker, clock: Any) -> None:
    old = clock.now - KEEP - 1
    put(store, "gone", old, "delivered")
    put(store, "kept", old, "dead")
    with store.write() as connection:
        for message in outbox.newest(connection, 10):
            attachments.add(connection, message.uid, Attachment(message.subject, b"html"), old)
    keeper.step()
    with store.read() as connection:
        [message] = outbox.newest(connection, 10)
        assert attachments.load(connection, message.uid) == Attachment("kept", b"html")
    assert count(store, schema.attachments) == 1


def test_rollbacks_are_forgotten_when_nothing_is_left_to_do(
    store: Store, keeper: RetentionWorker, clock: Any
) -> None:
    old = clock.now - KEEP - 1
    states = {
        "gone": {"state": "done", "finished": old, "reload": "done"},
        "gone too": {"state": "declined", "finished": old},
        "to load": {"state": "done", "finished": old, "reload": "pending"},
        "young": {"state": "failed", "finished": clock.now},
        "unfinished": {},
    }
    with store.write() as connection:
        for reason, values in states.items():
            made = rollbacks.create(connection, "als", trigger="manual", reason=reason, now=old)
            if values:
                connection.execute(
                    update(schema.rollbacks).where(schema.rollbacks.c.id == made).values(values)
                )
    keeper.step()
    with store.read() as connection:
        left = list(connection.scalars(select(schema.rollbacks.c.reason).order_by(schema.rollbacks.c.number)))
    assert left == ["to load", "young", "unfinished"]


def test_finished_runs_are_forgotten_with_their_folders(
    store: Store, keeper: RetentionWorker, clock: Any, tmp_path: Path
) -> None:
    old, folder = clock.now - KEEP - 1, tmp_path / "runs"
    add_run(store, folder, old, "running", "failed")
    add_run(store, folder, old, "withdrawn")
    to_load = add_run(store, folder, old, "running", "gating", "promoting", "promoted", reload="pending")
    to_watch = add_run(store, folder, old, "running", "gating", "promoting", "promoted", watch="pending")
    young = add_run(store, folder, clock.now - KEEP + 1, "running", "failed")
    unfinished = add_run(store, folder, old, "running")
    keeper.step()
    with store.read() as connection:
        assert [run.id for run, _ in runs.newest(connection, 10)] == [to_load, to_watch, young, unfinished]
    assert count(store, schema.reasons) == 4
    assert {path.name for path in folder.iterdir()} == {to_load, to_watch, young, unfinished}


def test_much_is_deleted_batch_by_batch(
    store: Store, keeper: RetentionWorker, clock: Any, webhook: Any, alert: Any
) -> None:
    many = webhook(*(alert(fingerprint=f"f{number}") for number in range(forgetting.BATCH + 1)))
    with store.write() as connection:
        identities.remember(connection, "email", many.alerts, clock.now - KEEP - 1)
    assert keeper.step() == retention.PAUSE
    assert count(store, schema.alerts) == 1
    assert keeper.step() == retention.INTERVAL
    assert count(store, schema.alerts) == 0


def test_folder_that_is_gone_already_stops_nothing(
    store: Store, keeper: RetentionWorker, clock: Any, tmp_path: Path
) -> None:
    run_id = add_run(store, tmp_path / "runs", clock.now - KEEP - 1, "withdrawn")
    (tmp_path / "runs" / run_id / "trainer.log").unlink()
    (tmp_path / "runs" / run_id).rmdir()
    keeper.step()
    assert count(store, schema.runs) == 0


def test_folder_that_cannot_be_removed_is_named_once(
    store: Store, keeper: RetentionWorker, clock: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "runs"
    run_id = add_run(store, folder, clock.now - KEEP - 1, "withdrawn")
    (folder / run_id / "trainer.log").rename(folder / "file")
    (folder / run_id).rmdir()
    (folder / "file").rename(folder / run_id)
    for _ in range(2):
        keeper.step()
    assert count(store, schema.runs) == 0
    assert [record.levelname for record in caplog.records if run_id in record.getMessage()] == ["WARNING"]


def test_the_file_shrinks(tmp_path: Path, metrics: BridgeMetrics, clock: Any) -> None:
    store = Store(f"sqlite:///{tmp_path}/bridge.db")
    keeper = RetentionWorker(store, folder=tmp_path / "runs", keep=KEEP, metrics=metrics, clock=clock)
    old = {"created": clock.now - KEEP - 1, "png": b"x" * 50_000}
    with store.write() as connection:
        connection.execute(insert(schema.pictures), [{"name": str(n), **old} for n in range(20)])

    def pages() -> int:
        with store.read() as connection:
            return int(connection.scalar(text("PRAGMA page_count")) or 0)

    before = pages()
    keeper.step()
    assert pages() < before / 2
    store.close()


def test_one_of_two_bridges_does_it(
    postgresql_url: str, tmp_path: Path, metrics: BridgeMetrics, clock: Any
) -> None:
    stores = [Store(postgresql_url), Store(postgresql_url)]
    first, second = (
        RetentionWorker(store, folder=tmp_path / "runs", keep=KEEP, metrics=metrics, clock=clock)
        for store in stores
    )
    first.step()
    put(stores[0], "old", clock.now - KEEP - 1, "delivered")
    assert second.step() == retention.INTERVAL
    assert count(stores[0], schema.messages) == 1
    first.step()
    assert count(stores[0], schema.messages) == 0
    for store in stores:
        store.close()
