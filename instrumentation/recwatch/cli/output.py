"""Where results go: tables for people, JSON for machines."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn, Self, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from recwatch.cli.text import printable

__all__ = ["Output", "to_json"]

# Wide enough that nothing is cut where no terminal says how wide it is.
_WIDTH_OF_A_FILE = 10_000
_GAP = 3  # columns of blanks between two cells


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        # rich would end the process with exit code 1.
        raise BrokenPipeError  # `Output` ends with its block


class Output:
    """Writes results, until its reader has seen enough (`| head`): then its block ends, without an error.

    Colours and the width are the terminal's; into a file or a pipe, and where NO_COLOR is set, there are no
    colours, and lines are as long as they must be.

    Args:
        stream: standard output.
        as_json: write JSON instead of tables.
    """

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self.as_json = as_json
        self._stream = stream
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a terminal in ASCII shows escapes, not a traceback
        width = None if stream.isatty() else _WIDTH_OF_A_FILE
        self._console = _Console(file=stream, width=width, markup=False, emoji=False, highlight=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            if error is None:
                self._stream.flush()
        except BrokenPipeError as broken:
            error = broken
        if not isinstance(error, BrokenPipeError):
            return False
        # What is still buffered must not fail once more when Python ends.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is wanted
            os.dup2(nowhere.fileno(), self._stream.fileno())
        return True

    def json(self, value: object) -> None:
        """Write a value as JSON: times in ISO 8601, what is not a finite number as null."""
        self._stream.write(to_json(value))

    def raw(self, text: str) -> None:
        """Write a text as it is, such as a file's content."""
        self._stream.write(text)

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """Write a line."""
        self._console.print(printable(text), style=style, soft_wrap=True)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        right: Sequence[str] = (),
        optional: Sequence[str] = (),
        styles: Mapping[int, str] | None = None,
    ) -> None:
        """Write a table.

        Args:
            columns: their headings.
            rows: their cells.
            right: the columns whose cells stand at the right, such as numbers.
            optional: columns to leave out where the terminal is too narrow, the first to go first.
            styles: by row, such as `bold`.
        """
        cells = [list(map(printable, row)) for row in rows]
        left_out = _too_many(columns, cells, optional, self._console.width)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        shown = [index for index, column in enumerate(columns) if column not in left_out]
        for column in (columns[index] for index in shown):
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for number, row in enumerate(cells):
            table.add_row(*(row[index] for index in shown), style=(styles or {}).get(number))
        self._console.print(table)
        if left_out:
            self.line(f"Too narrow for: {', '.join(left_out)} (--json shows everything)", style="dim")


def to_json(value: object) -> str:
    """Write a value as JSON: times in ISO 8601, what is not a finite number as null."""
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def _too_many(
    columns: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str], width: int
) -> list[str]:
    """The columns that have to go so that the others fit."""
    needed = {
        column: max(cell_len(text) for text in (column, *(row[index] for row in rows))) + _GAP
        for index, column in enumerate(columns)
    }
    left_out: list[str] = []
    for column in optional:
        if sum(needed.values()) - _GAP <= width:
            break
        if column in needed:
            del needed[column]
            left_out.append(column)
    return left_out


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str | int | bool) or value is None:
        return value
    return str(value)
