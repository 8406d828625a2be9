"""Files that DuckDB reads by itself: Parquet, CSV, JSON lines."""

import glob
from collections.abc import Sequence
from pathlib import Path

import ibis.expr.types as ir

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.duck import DuckEngine, quote_text

_READERS = {
    ".parquet": "read_parquet({files}, union_by_name = true, hive_partitioning = {hive})",
    ".csv": "read_csv({files}, union_by_name = true, hive_partitioning = {hive})",
    ".tsv": "read_csv({files}, union_by_name = true, hive_partitioning = {hive}, delim = '\t')",
    ".jsonl": "read_json({files}, format = 'newline_delimited', union_by_name = true, "
    "hive_partitioning = {hive})",
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
    names = ", ".join(quote_text(glob.escape(str(path))) for path in files)
    hive = any("=" in part for path in files for part in _below(path, root))
    reader = _READERS[str(kinds.pop())].format(files=f"[{names}]", hive=str(hive).lower())
    return engine.select(f"SELECT * FROM {reader}")  # noqa: S608 - file names are quoted


def _below(path: Path, root: Path) -> tuple[str, ...]:
    return path.relative_to(root).parent.parts if path.is_relative_to(root) else ()
