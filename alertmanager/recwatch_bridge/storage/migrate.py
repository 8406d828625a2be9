"""Bringing a database to this version's tables, whichever version of the bridge made it."""

from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL

from recwatch.errors import StoreError
from recwatch.store.engine import create_store_engine
from recwatch.store.migrate import Migrations, is_current, upgrade

MIGRATIONS = Migrations(
    versions=("0001", "0002", "0003"),
    table="recwatch_bridge_version",
    folder=Path(__file__).parent / "migrations",
    lock=0x62726467,  # "brdg" in ASCII
)


def migrate(url: URL, *, to: str | None = None) -> None:
    """Run the migrations that a database lacks; one that is up to date costs a SELECT.

    Args:
        url: of the database.
        to: the version to bring it to, the last one without it.

    Raises:
        StoreError: when a later version of the bridge made it, or the URL cannot be used.
        sqlalchemy.exc.SQLAlchemyError: when the database fails.
    """
    engine = create_store_engine(url.render_as_string(hide_password=False))
    try:
        upgrade(engine, to=to, by=MIGRATIONS)
    finally:
        engine.dispose()


def require_current(url: URL) -> None:
    """See that a database has this version's tables; nothing is changed.

    Args:
        url: of the database.

    Raises:
        StoreError: when it has none, or those of another version.
        sqlalchemy.exc.SQLAlchemyError: when the database fails.
    """
    engine = create_store_engine(url.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(MIGRATIONS.table):
                raise StoreError(f"{url!r} has no tables yet: the bridge makes them when it starts")
            if not is_current(connection, MIGRATIONS):
                raise StoreError(
                    f"{url!r} was made by an earlier version: this one brings it up to date when the bridge "
                    "starts, and a bridge of the earlier version cannot use it then"
                )
    finally:
        engine.dispose()
