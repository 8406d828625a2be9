"""From nothing, from every version there has been, and from before the versions were Alembic's."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from recwatch.errors import StoreError
from recwatch.store.engine import create_store_engine
from recwatch_bridge.delivering import outbox
from recwatch_bridge.retraining import runs
from recwatch_bridge.storage import schema
from recwatch_bridge.storage.migrate import MIGRATIONS, migrate
from recwatch_bridge.storage.store import Store

# Written by the bridges of those versions: a webhook to each sink, one of them delivered; a failed run and
# one that waits.
DATABASES = Path(__file__).parent / "databases"


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = create_store_engine(url)
    yield engine
    engine.dispose()


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        options = {"version_table": MIGRATIONS.table}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata))


def old_database(folder: Path, version: int) -> str:
    old = sqlite3.connect(folder / "bridge.db")
    old.executescript((DATABASES / f"version_{version}.sql").read_text(encoding="utf-8"))
    old.close()
    return f"sqlite:///{folder}/bridge.db"


def test_the_versions_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS.folder)).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == MIGRATIONS.versions


@pytest.mark.parametrize("version", [None, *MIGRATIONS.versions])
def test_from_every_version_the_tables_become_those_of_the_code(
    url: str, engine: sa.Engine, version: str | None
) -> None:
    if version is not None:
        migrate(make_url(url), to=version)
        assert (differences(engine) == []) == (version == MIGRATIONS.versions[-1])
    migrate(make_url(url))
    assert differences(engine) == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_database_from_before_alembic_loses_nothing(
    tmp_path: Path, version: int, open_store: Callable[[str], Store]
) -> None:
    url = old_database(tmp_path, version)
    store = open_store(url)
    with store.read() as connection:
        delivered, waiting = outbox.newest(connection, 10)
        failed, pending = (run for run, _ in runs.newest(connection, 10))
        since = connection.execute(sa.select(schema.messages.c.since, schema.messages.c.created)).all()
        told = sa.select(schema.alerts.c.channel, schema.alerts.c.told).order_by(schema.alerts.c.id)
        told_at = [tuple(row) for row in connection.execute(told)]
        texts = list(connection.scalars(sa.select(schema.reasons.c.text)))
    assert (delivered.sink, delivered.state) == ("email", "delivered")
    assert (waiting.sink, waiting.state) == ("slack", "pending")
    assert waiting.notification.subject == "[WARNING] DriftDetected: rating_scale has drifted"
    assert (failed.state, failed.error) == ("failed", "the trainer ended with exit code 1")
    assert (pending.state, pending.watch_until) == ("pending", None)
    assert all(row.since == row.created for row in since)
    assert told_at == [("email", 1.79e9), ("slack", 1.79e9), ("retrain", None), ("retrain", None)]
    assert texts == ["DriftDetected: rating_scale has drifted"] * 2
    engine = create_store_engine(url)
    assert differences(engine) == []
    engine.dispose()


def test_an_old_database_holds_one_run_a_model_also_while_it_waits_for_approval(
    tmp_path: Path, open_store: Callable[[str], Store]
) -> None:
    store = open_store(old_database(tmp_path, 2))
    with store.write() as connection:
        connection.execute(
            sa.update(schema.runs).where(schema.runs.c.state == "pending").values(state="approving")
        )
    with pytest.raises(sa.exc.IntegrityError), store.write() as connection:
        runs.create(connection, "als", "alert", not_before=0, now=0)


def test_tables_of_an_unknown_version_from_before_alembic_are_refused(tmp_path: Path) -> None:
    url = old_database(tmp_path, 2)
    with sqlite3.connect(tmp_path / "bridge.db") as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(StoreError, match="tables are of version 99, which this program does not know"):
        Store(url)


def test_tables_of_a_later_version_are_refused(url: str, engine: sa.Engine) -> None:
    Store(url).close()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE recwatch_bridge_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer recwatch.*9999.*up to 0003"):
        Store(url)


@pytest.mark.parametrize(
    ("version", "reason"),
    [(None, "has no tables yet"), ("0002", "was made by an earlier version"), ("0003", "")],
)
def test_who_only_looks_changes_nothing(
    url: str, engine: sa.Engine, version: str | None, reason: str
) -> None:
    if version is not None:
        migrate(make_url(url), to=version)
    before = sa.inspect(engine).get_table_names()
    if reason:
        with pytest.raises(StoreError, match=reason):
            Store(url, made=True)
    else:
        Store(url, made=True).close()
    assert sa.inspect(engine).get_table_names() == before
