"""A pandas DataFrame in place of a path: for notebooks, where nothing was written yet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.duck import DuckEngine


@dataclass(frozen=True, eq=False)
class Frame:
    """A pandas DataFrame; its index is no column."""

    frame: Any

    def __str__(self) -> str:
        return "the DataFrame"

    def files(self) -> tuple[Path, ...]:
        """None: a DataFrame lies in no file.

        Raises:
            SourceError: always.
        """
        raise SourceError("a DataFrame is no file: write it to one, or name a column of times")


def is_frame(value: object) -> bool:
    """Whether it is a pandas DataFrame; pandas itself need not be installed."""
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def open_frame(engine: DuckEngine, frame: Frame) -> ir.Table:
    """A table of a DataFrame.

    Raises:
        SourceError: when a column holds values of several types.
    """
    try:
        table = pa.Table.from_pandas(frame.frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        message = " ".join(str(error).split())
        raise SourceError(f"cannot be read: the DataFrame: {message:.200}") from error
    return engine.register(table)
