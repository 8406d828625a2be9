"""What a configuration may do, but hardly should: told to whoever checks or runs it, refused by nobody."""

from collections.abc import Sequence

from recwatch_exporter.config import Check
from recwatch_exporter.sources.urls import dialect_of


def cautions(checks: Sequence[Check]) -> list[str]:
    """One line each, which says what to do.

    Args:
        checks: of a configuration that can be used.
    """
    return [
        f"{check.name}: {name}: query takes the types of {', '.join(files)} from the first rows, and what "
        "comes later is rounded to them: write read_csv('FILE', sample_size = -1), or read_json likewise"
        for check in checks
        for name, side in (("reference", check.reference), ("current", check.current))
        if side is not None and side.query is not None and dialect_of(side.database) == "duckdb"
        for files in [_guessed(side.query)]
        if files
    ]


def _guessed(query: str) -> tuple[str, ...]:
    # sqlglot takes a while to load, and most configurations have no query.
    from recwatch_exporter.sources.guesses import guessed_files  # noqa: PLC0415

    return guessed_files(query)
