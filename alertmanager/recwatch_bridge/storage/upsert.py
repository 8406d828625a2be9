"""Rows that may be there already: SQLite and PostgreSQL say it alike, SQLAlchemy says it by dialect."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert


def insert_new(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    returned: Sequence[str | ColumnElement[Any]] = (),
) -> Insert | ReturningInsert[Any]:
    """Return an INSERT that leaves out rows whose key is taken.

    On PostgreSQL it waits for another transaction that has just taken the key.

    Args:
        connection: tells the dialect.
        table: into which.
        keys: columns of a unique constraint.
        returned: columns, or expressions that stay the same objects, to return of the rows that are new.
    """
    return _insert_new(connection.dialect.name, table, tuple(keys), tuple(returned))


@cache
def _insert_new(
    dialect: str, table: Table, keys: tuple[str, ...], returned: tuple[str | ColumnElement[Any], ...]
) -> Insert | ReturningInsert[Any]:
    # Kept: to build a statement takes SQLAlchemy longer than to carry it out.
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    statement = insert.on_conflict_do_nothing(index_elements=keys)
    columns = (table.c[given] if isinstance(given, str) else given for given in returned)
    return statement.returning(*columns) if returned else statement


def insert_or_update(
    connection: Connection, table: Table, keys: Sequence[str], changed: Sequence[str]
) -> Insert:
    """Return an INSERT that updates some columns of rows whose key is taken.

    Args:
        connection: tells the dialect.
        table: into which.
        keys: columns of a unique constraint.
        changed: columns that get the new values.
    """
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_update(
        index_elements=keys, set_={name: insert.excluded[name] for name in changed}
    )
