"""Migrations: from nothing, from every version there has been, from before there were any, and together."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import recwatch.store.migrate
from recwatch.errors import StoreError
from recwatch.store import create_store_engine, metadata, open_store
from recwatch.store.migrate import VERSIONS, upgrade

# What the code wrote that made tables without migrations.
BEFORE_MIGRATIONS = """
CREATE TABLE training_runs (
    run_id TEXT NOT NULL, model_type TEXT, started_at DATETIME, completed_at DATETIME, status TEXT,
    hyperparameters TEXT, recall_at_10 DOUBLE, recall_at_20 DOUBLE, ndcg_at_10 DOUBLE, ndcg_at_20 DOUBLE,
    coverage DOUBLE, baseline_recall_at_10 DOUBLE, improvement_pct DOUBLE, training_time_seconds DOUBLE,
    data_version TEXT, git_commit TEXT, artifacts_path TEXT, PRIMARY KEY (run_id)
);
CREATE INDEX ix_training_runs_model_type ON training_runs (model_type);
CREATE TABLE iteration_metrics (
    id INTEGER NOT NULL, run_id TEXT, iteration INTEGER, timestamp DATETIME, loss DOUBLE,
    validation_recall DOUBLE, validation_ndcg DOUBLE, wall_time_seconds DOUBLE,
    PRIMARY KEY (id), FOREIGN KEY(run_id) REFERENCES training_runs (run_id)
);
CREATE INDEX ix_iteration_metrics_run_id ON iteration_metrics (run_id);
INSERT INTO training_runs (run_id, model_type, status, recall_at_10)
    VALUES ('als_1', 'als', 'completed', 0.25);
INSERT INTO iteration_metrics (run_id, iteration, loss) VALUES ('als_1', 1, 3.5);
"""
FOR_POSTGRESQL = {
    "DATETIME": "TIMESTAMP",
    "DOUBLE": "DOUBLE PRECISION",
    "id INTEGER NOT NULL": "id SERIAL NOT NULL",
}
OPEN = "import sys; from recwatch.store import open_store; open_store(sys.argv[1]).close()"
OPEN_WITHOUT_ALEMBIC = f"{OPEN}; assert not any(name.startswith('alembic') for name in sys.modules)"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = create_store_engine(url)
    yield engine
    engine.dispose()


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        options = {"version_table": "recwatch_version", "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def run_script(engine: sa.Engine, script: str) -> None:
    if engine.dialect.name == "postgresql":
        for sqlite, postgresql in FOR_POSTGRESQL.items():
            script = script.replace(sqlite, postgresql)
    with engine.begin() as connection:
        for statement in filter(str.strip, script.split(";")):
            connection.exec_driver_sql(statement)


def test_the_versions_are_those_of_the_migrations() -> None:
    folder = Path(recwatch.store.migrate.__file__).parent / "migrations"
    scripts = ScriptDirectory(str(folder)).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == VERSIONS


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_from_every_version_the_tables_become_those_of_the_code(
    engine: sa.Engine, version: str | None
) -> None:
    if version is not None:
        upgrade(engine, to=version)
    if version == "0001":
        assert differences(engine) != []
    upgrade(engine)
    assert differences(engine) == []


def test_a_database_from_before_migrations_is_taken_up_without_loss(url: str, engine: sa.Engine) -> None:
    run_script(engine, BEFORE_MIGRATIONS)
    with open_store(url) as store:
        (run,) = store.runs("als")
        assert (run["run_id"], run["recall_at_10"], run["rmse"]) == ("als_1", 0.25, None)
        assert [row["loss"] for row in store.iterations("als_1")] == [3.5]
        store.save_run({"run_id": "als_1", "rmse": 0.9}, [{"iteration": 2, "loss": 2.5}])
        assert len(store.iterations("als_1")) == 2
    assert differences(engine) == []


def test_a_file_from_before_migrations_may_shrink_from_then_on(store_url: str, tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "store.db")
    old.executescript(BEFORE_MIGRATIONS)
    old.close()
    open_store(store_url).close()
    now = sqlite3.connect(tmp_path / "store.db")
    assert now.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert now.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    now.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str, engine: sa.Engine) -> None:
    open_store(url).close()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE recwatch_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer recwatch.*9999.*up to 0003; upgrade recwatch") as failure:
        open_store(url)
    assert failure.value.reason == "unavailable"
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM recwatch_version")).scalar()
    assert found == "9999"


def test_tables_and_migrations_of_other_programs_are_left_alone(url: str, engine: sa.Engine) -> None:
    run_script(engine, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    run_script(engine, "INSERT INTO alembic_version VALUES ('theirs')")
    open_store(url).close()
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert found == "theirs"


def test_a_migration_that_fails_leaves_nothing_behind(engine: sa.Engine) -> None:
    run_script(engine, "CREATE TABLE service_health (other INTEGER)")
    with pytest.raises(sa.exc.DBAPIError):
        upgrade(engine)
    assert sa.inspect(engine).get_table_names() == ["service_health"]


def test_processes_that_start_together_do_not_collide(url: str, engine: sa.Engine) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", OPEN, url]) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert differences(engine) == []


def test_a_store_that_is_up_to_date_opens_without_alembic_and_without_waiting(store_url: str) -> None:
    open_store(store_url).close()
    writer = create_store_engine(store_url)
    with writer.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        subprocess.run([sys.executable, "-c", OPEN_WITHOUT_ALEMBIC, store_url], check=True)
        connection.exec_driver_sql("ROLLBACK")
    writer.dispose()


def test_alembic_says_nothing_unless_it_is_asked(tmp_path: Path) -> None:
    code = """
import logging, sys

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s")
logging.getLogger("alembic").setLevel(sys.argv[2])
from recwatch.store import open_store

open_store(sys.argv[1]).close()
print(logging.getLogger("alembic").level)
"""

    def say(name: str, level: str) -> str:
        command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / name}", level]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert say("a.db", "NOTSET") == "0\n"
    assert "alembic.runtime.migration\n" in say("b.db", "INFO")
