"""The types of CSV and JSON lines: found out from every row once, then told to each query."""

import re
from collections.abc import Callable, Mapping

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.duck import DuckEngine, quote_name, quote_text

_TIMES = re.compile("DATE|TIMESTAMP[A-Z_ ]*")

Reader = Callable[[Mapping[str, str] | None], str]


def typed(engine: DuckEngine, reader: Reader, partitions: frozenset[str]) -> str:
    """A SELECT of files whose types hold for every row.

    DuckDB decides by the first 20,480 rows otherwise, and rounds the halves that come later to whole numbers.
    Looking at all of them for each query would take several times the query.

    Args:
        engine: reads them.
        reader: a call of a table function: with the types of some columns, the others found out by the
            first rows; or, of None, all of them by every row.
        partitions: columns that no file holds.

    Raises:
        SourceError: when the files cannot be read.
    """
    sniffed = f"SELECT * FROM {reader(None)}"  # noqa: S608 - the reader quotes
    if sniffed not in engine.typed:  # both sides may name the same files
        engine.typed[sniffed] = _told(engine, reader, sniffed, partitions)
    return engine.typed[sniffed]


def _told(engine: DuckEngine, reader: Reader, sniffed: str, partitions: frozenset[str]) -> str:
    try:
        types = engine.types(sniffed)
    except SourceError:
        _name_the_line(engine, reader)
        raise
    told = {name: kind for name, kind in types.items() if name not in partitions}
    times = [name for name, kind in told.items() if _TIMES.fullmatch(kind)]
    nested = any(_TIMES.search(kind) for name, kind in told.items() if name not in times)
    if not told or nested or not _year_first(engine, reader, times):
        return sniffed
    pinned = f"SELECT * FROM {reader(told)}"  # noqa: S608 - the reader quotes
    try:
        return pinned if engine.types(pinned) == types else sniffed
    except SourceError:
        return sniffed


def _name_the_line(engine: DuckEngine, reader: Reader) -> None:
    """Raise what the first rows let reading say: of all rows it says no more than that they do not fit."""
    engine.fetch(engine.select(f"SELECT count(COLUMNS(*)) FROM {reader({})}"))  # noqa: S608 - the reader quotes


def _year_first(engine: DuckEngine, reader: Reader, times: list[str]) -> bool:
    """Whether times are written as ISO 8601: how others are written is found out anew with each query."""
    if not times:
        return True
    texts = reader(dict.fromkeys(times, "VARCHAR"))
    every = " AND ".join(f"coalesce(bool_and({quote_name(name)} LIKE '____-%'), true)" for name in times)
    try:
        found = engine.fetch(engine.select(f"SELECT {every} AS all_of_them FROM {texts}"))  # noqa: S608 - quoted
    except SourceError:
        return False
    return bool(found.column("all_of_them")[0].as_py())


def as_struct(types: Mapping[str, str]) -> str:
    """Types by column, as DuckDB's readers take them."""
    return "{" + ", ".join(f"{quote_text(name)}: {quote_text(kind)}" for name, kind in types.items()) + "}"
