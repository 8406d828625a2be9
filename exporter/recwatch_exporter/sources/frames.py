"""A pandas DataFrame in place of a path: for notebooks, where nothing was written yet."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recwatch_exporter.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa


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

    def to_table(self) -> "pa.Table":
        """The rows, as Arrow holds them.

        Raises:
            SourceError: when a column holds values of several types.
        """
        import pyarrow as pa  # noqa: PLC0415 - every configuration loads this module, few have a DataFrame

        try:
            return pa.Table.from_pandas(self.frame, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            message = " ".join(str(error).split())
            raise SourceError(f"cannot be read: the DataFrame: {message:.200}") from error


def is_frame(value: object) -> bool:
    """Whether it is a pandas DataFrame; pandas itself need not be installed."""
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
