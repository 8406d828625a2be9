import io
import json
import math
from datetime import UTC, datetime

import pytest

from recwatch.cli.output import Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_is_what_every_reader_takes() -> None:
    stream = io.StringIO()
    value = {"a": [math.nan, 1.5, None, True], "at": datetime(2026, 1, 1, tzinfo=UTC), "text": "é\x1b"}
    Output(stream, as_json=True).json(value)
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue()) == {
        "a": [None, 1.5, None, True],
        "at": "2026-01-01T00:00:00+00:00",
        "text": "é\x1b",
    }


def test_a_file_gets_whole_lines_without_colours() -> None:
    stream = io.StringIO()
    output = Output(stream, as_json=False)
    output.table(["name", "value"], [["x" * 300, "1"]], styles={0: "red"})
    output.line("y" * 300, style="red")
    lines = stream.getvalue().splitlines()
    assert "x" * 300 in lines[2]
    assert lines[-1] == "y" * 300
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    Output(coloured, as_json=False).line("failed", style="red")
    monkeypatch.setenv("NO_COLOR", "1")
    Output(plain, as_json=False).line("failed", style="red")
    assert "\x1b[31m" in coloured.getvalue()
    assert plain.getvalue() == "failed\n"


def test_what_stands_in_a_cell_is_no_markup_and_no_order() -> None:
    stream = io.StringIO()
    output = Output(stream, as_json=False)
    output.table(["a"], [["[red]:smile:\x1b[2J"]])
    output.line("[bold]x[/bold]\x07")
    assert "[red]:smile:\\x1b[2J" in stream.getvalue()
    assert "[bold]x[/bold]\\x07" in stream.getvalue()


def test_a_terminal_in_ascii_gets_escapes() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with Output(stream, as_json=False) as output:
        output.line("▁█")
    assert raw.getvalue() == b"\\u2581\\u2588\n"


@pytest.mark.parametrize(
    ("width", "left_out"), [(100, []), (28, []), (27, ["b"]), (18, ["b"]), (17, ["b", "c"]), (3, ["b", "c"])]
)
def test_a_narrow_terminal_gets_fewer_columns(
    monkeypatch: pytest.MonkeyPatch, width: int, left_out: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    rows = [["A" * 10, "B" * 7, "C" * 5]]
    Output(stream, as_json=False).table(["a", "b", "c"], rows, optional=["b", "missing", "c"])
    assert ("Too narrow for: " in stream.getvalue()) == bool(left_out)
    assert [name for name, row in (("b", "B"), ("c", "C")) if row not in stream.getvalue()] == left_out
