"""Files that DuckDB reads by itself: Parquet, CSV, JSON lines."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis.expr.types as ir

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.duck import DuckEngine, quote_text
from recwatch_exporter.sources.sniffed import as_struct, typed

_READERS = {
    ".parquet": "read_parquet({files}, union_by_name = true, hive_partitioning = {hive})",
    ".csv": "read_csv({files}, union_by_name = true, hive_partitioning = {hive}, {types})",
    ".tsv": "read_csv({files}, union_by_name = true, hive_partitioning = {hive}, delim = '\t', {types})",
    ".jsonl": "read_json({files}, format = 'newline_delimited', union_by_name = true, "
    "hive_partitioning = {hive}, {types})",
}
_TOLD = {".csv": "types", ".tsv": "types", ".jsonl": "columns"}
# Of every row; and however many keys there are, or how few rows have one, a key is a column.
_SNIFFED = {
    ".csv": "sample_size = -1",
    ".tsv": "sample_size = -1",
    ".jsonl": "sample_size = -1, map_inference_threshold = -1, field_appearance_threshold = 0",
}
_ENDINGS = {
    ".parquet": ".parquet",
    ".pq": ".parquet",
    ".csv": ".csv",
    ".tsv": ".tsv",
    ".jsonl": ".jsonl",
    ".ndjson": ".jsonl",
    ".json": ".jsonl",
}
_AT_ONCE = 4
"""Of so many files of JSON lines types are found out together: DuckDB takes 32 MiB for each of them."""
_COMPRESSED = (".gz", ".zst")


def ending(path: Path) -> str:
    """The last ending of a name, in small letters; that of a compression is passed over."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def open_files(engine: DuckEngine, files: Sequence[Path], root: Path) -> ir.Table:
    """A table of files of one kind.

    Args:
        engine: reads them.
        files: one or more.
        root: the folder below which folders named `column=value` are columns.

    Raises:
        SourceError: when the files are of different kinds, or of one that is not read, or broken.
    """
    kinds = {_ENDINGS.get(ending(path)) for path in files}
    if None in kinds:
        strange = next(path for path in files if ending(path) not in _ENDINGS)
        raise SourceError(
            f"{strange}: the ending says no format that is read: use one of "
            f"{', '.join([*_ENDINGS, '.npy', '.npz', '.safetensors'])}"
        )
    if len(kinds) > 1:
        raise SourceError(f"files of {len(kinds)} formats under one path: give each side one format")
    # DuckDB would take `*`, `?` and `[` in a file's name for a pattern.
    names = [quote_text(glob.escape(str(path))) for path in files]
    partitions = frozenset(
        part.partition("=")[0] for path in files for part in _below(path, root) if "=" in part
    )
    kind = str(kinds.pop())

    def reader(types: Mapping[str, str] | None) -> str:
        if types is None and kind == ".jsonl" and len(names) > _AT_ONCE:
            few = (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
            parts = (f"SELECT * FROM {call(some, _SNIFFED[kind])}" for some in few)  # noqa: S608 - quoted
            return f"({' UNION ALL BY NAME '.join(parts)})"
        return call(names, "" if kind not in _TOLD else _SNIFFED[kind] if types is None else told(types))

    def call(some: Sequence[str], types: str) -> str:
        hive = str(bool(partitions)).lower()
        return _READERS[kind].format(files=f"[{', '.join(some)}]", hive=hive, types=types)

    def told(types: Mapping[str, str]) -> str:
        return f"{_TOLD[kind]} = {as_struct(types)}" if types else "sample_size = 20480"

    if kind not in _TOLD:
        return engine.select(f"SELECT * FROM {reader(None)}")  # noqa: S608 - file names are quoted
    return engine.select(typed(engine, reader, partitions))


def _below(path: Path, root: Path) -> tuple[str, ...]:
    return path.relative_to(root).parent.parts if path.is_relative_to(root) else ()
