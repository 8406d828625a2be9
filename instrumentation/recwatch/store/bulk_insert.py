"""Insert many rows of plain values, past the costs that SQLAlchemy has for each row."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

__all__ = ["BulkInsert"]

# Rows a statement. Python's SQLite driver gives up the interpreter's lock at every statement; with
# `executemany`, a statement a row, a busy service gets it in between and keeps it for 5 ms each time: 2,000
# rows/s on two cores, against 50,000 so. 500 rows of 18 values stay below SQLite's 32,766 parameters.
_SIZES = (500, 50, 1)


class BulkInsert:
    """Inserts rows into a table. SQLAlchemy writes the SQL, once; values are parameters, never text.

    Args:
        table: takes the rows.
        columns: names of its columns, in the order of a row's values.
        dialect: of the engine.
    """

    def __init__(self, table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> None:
        positional: Any = type(dialect)
        style = "qmark" if dialect.name == "sqlite" else "format"
        insert = sa.insert(table).inline()
        compiled = insert.compile(dialect=positional(paramstyle=style), column_keys=list(columns))
        into, values, row = str(compiled).partition(" VALUES ")
        self._statements = {size: into + values + ", ".join([row] * size) for size in _SIZES}

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows; values are as the driver takes them, SQLAlchemy's types are not asked."""
        start = 0
        for size, statement in self._statements.items():
            while len(rows) - start >= size:
                part = rows[start : start + size]
                connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))
                start += size
