"""A query of the configuration: one SELECT and nothing else."""

from typing import Any

import sqlglot
import sqlglot.expressions as sge
from sqlglot.errors import SqlglotError

from recwatch_exporter.errors import SourceError

_END = sqlglot.TokenType.SEMICOLON
_WRITES = (
    *(sge.Insert, sge.Update, sge.Delete, sge.Merge, sge.Create, sge.Drop, sge.Alter, sge.TruncateTable),
    *(sge.Copy, sge.Into, sge.Lock, sge.Command),
)


def only_select(query: str, dialect: Any) -> str:
    """A query without the semicolon at its end.

    The engines open data for reading only; this refuses at once, and in our words, what they would refuse.

    Args:
        query: SQL.
        dialect: of the engine, as sqlglot knows it.

    Raises:
        SourceError: when it is anything but one SELECT.
    """
    try:
        statements = [
            statement
            for statement in sqlglot.parse(query, read=dialect)
            if statement is not None
            and not isinstance(statement, sge.Semicolon)  # that is a comment behind one
        ]
        ends = [token.start for token in sqlglot.tokenize(query, read=dialect) if token.token_type == _END]
    except SqlglotError as error:
        message = " ".join(str(error).split())
        raise SourceError(f"query cannot be understood: {message:.200}") from error
    if len(statements) != 1:
        raise SourceError(f"query holds {len(statements)} statements: write one SELECT")
    (statement,) = statements
    if not isinstance(statement, sge.Query) or statement.find(*_WRITES) is not None:
        raise SourceError("query does something else than read: write one SELECT")
    return (query[: ends[0]] if ends else query).strip()
