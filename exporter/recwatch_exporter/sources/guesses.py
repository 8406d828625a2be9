"""Files of a query over files whose types DuckDB guesses from their first rows."""

import re
from typing import Any

import sqlglot

_GUESSED = re.compile(r"(?i).*\.(csv|tsv|json|jsonl|ndjson)(\.gz|\.zst)?")
_READERS = re.compile(r"(?i)read_(csv|json|ndjson)(_auto)?")
_SAID = frozenset({"sample_size", "columns", "types", "dtypes", "all_varchar"})
"""Arguments by which a query says what types there are."""
_TABLE_FOLLOWS = frozenset({sqlglot.TokenType.FROM, sqlglot.TokenType.JOIN})
_COMMA = sqlglot.TokenType.COMMA
_OPEN, _CLOSE = sqlglot.TokenType.L_PAREN, sqlglot.TokenType.R_PAREN
_NAMES = frozenset({sqlglot.TokenType.STRING, sqlglot.TokenType.IDENTIFIER})


def guessed_files(query: str) -> tuple[str, ...]:
    """The CSV and JSON files of a query that are read without a word on their types.

    Args:
        query: one SELECT in DuckDB's words.

    Returns:
        As the query writes them, each once.
    """
    tokens = sqlglot.tokenize(query, read="duckdb")
    found: dict[str, None] = {}
    calls: list[tuple[bool, list[str], bool]] = []  # of open brackets: a reader's, its files, types are said
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        if token.token_type == _OPEN:
            reads = before is not None and _READERS.fullmatch(before.text) is not None
            calls.append((reads, [], False))
        elif token.token_type == _CLOSE and calls:
            reads, files, said = calls.pop()
            if reads and not said:
                found.update(dict.fromkeys(files))
        elif calls and calls[-1][0]:
            reads, files, said = calls[-1]
            if token.token_type == sqlglot.TokenType.STRING and (not files or _is_guessed(token.text)):
                files.append(token.text)
            calls[-1] = (reads, files, said or token.text.lower() in _SAID)
        elif token.token_type in _NAMES and _is_guessed(token.text) and _follows(before, within=bool(calls)):
            found[token.text] = None
    return tuple(found)


def _follows(before: Any, *, within: bool) -> bool:
    """Whether a name is a table's by the token before it; within brackets a comma parts values too."""
    return before is not None and (
        before.token_type in _TABLE_FOLLOWS or (before.token_type == _COMMA and not within)
    )


def _is_guessed(name: str) -> bool:
    return _GUESSED.fullmatch(name) is not None
