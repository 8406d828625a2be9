from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from recwatch_bridge import identities, outbox, retention, runs, schema
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.notification import Entry, Notification
from recwatch_bridge.retention import RetentionWorker
from recwatch_bridge.runs import Reason
from recwatch_bridge.store import Store

KEEP = 100.0


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


def count(store: Store, table: Any) -> int | None:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_delivered_messages_are_forgotten_and_no_others(
    store: Store, keeper: RetentionWorker, clock: Any
) -> None:
    old = clock.now - KEEP - 1
    for state in ("delivered", "dead", "pending"):
        put(store, f"old {state}", old, state)
    put(store, "new delivered", clock.now - KEEP + 1, "delivered")
    assert keeper.step() == retention.INTERVAL
    with store.read() as connection:
        left = [message.subject for message in outbox.newest(connection, 10)]
    assert left == ["old dead", "old pending", "new delivered"]
    assert count(store, schema.topics) == 3


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


def test_finished_runs_are_forgotten_with_their_folders(
    store: Store, keeper: RetentionWorker, clock: Any, tmp_path: Path
) -> None:
    old, folder = clock.now - KEEP - 1, tmp_path / "runs"
    add_run(store, folder, old, "running", "failed")
    add_run(store, folder, old, "withdrawn")
    to_load = add_run(store, folder, old, "running", "gating", "promoting", "promoted", reload="pending")
    young = add_run(store, folder, clock.now - KEEP + 1, "running", "failed")
    unfinished = add_run(store, folder, old, "running")
    keeper.step()
    with store.read() as connection:
        assert [run.id for run, _ in runs.newest(connection, 10)] == [to_load, young, unfinished]
    assert count(store, schema.reasons) == 3
    assert {path.name for path in folder.iterdir()} == {to_load, young, unfinished}


def test_much_is_deleted_batch_by_batch(
    store: Store, keeper: RetentionWorker, clock: Any, webhook: Any, alert: Any
) -> None:
    many = webhook(*(alert(fingerprint=f"f{number}") for number in range(retention.BATCH + 1)))
    with store.write() as connection:
        identities.remember(connection, "email", many.alerts, clock.now - KEEP - 1)
    assert keeper.step() == 0
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
