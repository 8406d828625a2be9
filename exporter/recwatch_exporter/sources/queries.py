"""A query of the configuration: one SELECT and nothing else."""

import re
from collections.abc import Sequence
from typing import Any

import sqlglot
import sqlglot.expressions as sge
from sqlglot.errors import SqlglotError

from recwatch_exporter.errors import SourceError

_END = sqlglot.TokenType.SEMICOLON
_BRACKET = sqlglot.TokenType.L_PAREN
_DOT = sqlglot.TokenType.DOT
_WRITES = (
    *(sge.Insert, sge.Update, sge.Delete, sge.Merge, sge.Create, sge.Drop, sge.Alter, sge.TruncateTable),
    *(sge.Copy, sge.Into, sge.Lock, sge.Command),
)
# Functions of the engines that reach beyond what a configuration names: they run what a text says, read
# files as they are or the environment, write files, open other servers, change settings and sequences.
_REACHING = frozenset(
    {
        *("query", "query_table", "read_text", "read_blob", "glob", "getenv", "write_log", "sniff_csv"),
        *(
            "duckdb_secrets",
            "which_secret",
            "postgres_query",
            "postgres_execute",
            "mysql_query",
            "sqlite_query",
        ),
        *("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "lsdir"),
        *(
            "set_config",
            "setval",
            "nextval",
            "query_to_xml",
            "query_to_xmlschema",
            "query_to_xml_and_xmlschema",
        ),
        *("http_get", "http_post", "http"),
    }
)
_REACHING_STARTS = (
    "dblink",
    "lo_",
    "pg_read_",
    "pg_ls_",
    "pg_terminate_",
    "pg_cancel_",
    "pg_file_",
    "pragma_",
)
_ESCAPES = re.compile("\x1b\\[[0-9;]*m")


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
        tokens = sqlglot.tokenize(query, read=dialect)
    except SqlglotError as error:
        message = " ".join(_ESCAPES.sub("", str(error)).split())
        raise SourceError(f"query cannot be understood: {message:.200}") from error
    if len(statements) != 1:
        raise SourceError(f"query holds {len(statements)} statements: write one SELECT")
    (statement,) = statements
    if not isinstance(statement, sge.Query) or statement.find(*_WRITES) is not None:
        raise SourceError("query does something else than read: write one SELECT")
    called, _ = _called(tokens)
    refused = sorted(name for name in called if name.lower() in _REACHING or _starts(name.lower()))
    if refused:
        raise SourceError(f"query calls {', '.join(refused)}, which does more than read rows: leave it out")
    return _between_semicolons(query, tokens)


def called_names(query: str, dialect: Any) -> tuple[set[str], set[str]]:
    """What a query may call: the names before a bracket, and those behind a dot.

    A name that is not quoted is given in small letters, as PostgreSQL takes it. (There `row.name` may call a
    function as `name(row)` does.)

    Raises:
        SourceError: when it cannot be read, or writes names by numbers of characters.
    """
    try:
        tokens = sqlglot.tokenize(query, read=dialect)
    except SqlglotError as error:
        message = " ".join(_ESCAPES.sub("", str(error)).split())
        raise SourceError(f"query cannot be understood: {message:.200}") from error
    if 'u&"' in query.lower():
        raise SourceError('query writes a name as U&"...": write it as it is')
    return _called(tokens)


def _called(tokens: Sequence[Any]) -> tuple[set[str], set[str]]:
    called, dotted = set[str](), set[str]()
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        quoted = token.token_type == sqlglot.TokenType.IDENTIFIER
        if token.token_type == sqlglot.TokenType.STRING:
            continue
        name = token.text if quoted else token.text.lower()
        if after is not None and after.token_type == _BRACKET:
            called.add(name)
        elif before is not None and before.token_type == _DOT:
            dotted.add(name)
    return called, dotted


def _starts(name: str) -> bool:
    return name.startswith(_REACHING_STARTS)


def _between_semicolons(query: str, tokens: Sequence[Any]) -> str:
    """The one statement, which may have semicolons and comments on either side."""
    start, seen = 0, False
    for token in tokens:
        if token.token_type != _END:
            seen = True
        elif seen:
            return query[start : token.start].strip()
        else:
            start = token.end + 1
    return query[start:].strip()
