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
        """The rows, as Arrow holds them; half floats, which DuckDB has not, as floats.

        Raises:
            SourceError: when there is no column, a name occurs twice, or Arrow has no type for what a column
                holds, such as values of several types.
        """
        import pyarrow as pa  # noqa: PLC0415 - every configuration loads this module, few have a DataFrame

        names = [str(name) for name in self.frame.columns]
        if not names:
            raise _refused("no columns: give one with the columns of the check")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _refused(f"more than one column {', '.join(twice)}: rename all but one, or leave them out")
        columns = [self._column(at, name) for at, name in enumerate(names)]
        return pa.Table.from_arrays(columns, names=names)

    def _column(self, at: int, name: str) -> "pa.Array | pa.ChunkedArray":
        import pyarrow as pa  # noqa: PLC0415 - see above

        values = self.frame.iloc[:, at]
        try:
            column = pa.array(
                values.sparse.to_dense() if hasattr(values, "sparse") else values, from_pandas=True
            )
        except (pa.ArrowException, ArithmeticError, TypeError, ValueError) as error:
            said = " ".join(str(error.args[0] if error.args else error).split()).rstrip(".")
            raise _refused(
                f"column {name}: {said:.200}: leave it out, or make it one of numbers, texts or times, "
                "such as by .astype(float) or .astype(str)"
            ) from error
        return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column


def _refused(why: str) -> SourceError:
    return SourceError(f"cannot be read: the DataFrame: {why}")


def is_frame(value: object) -> bool:
    """Whether it is a pandas DataFrame; pandas itself need not be installed."""
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
