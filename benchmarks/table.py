"""The rows of all benchmarks as one table of plain, aligned text."""

from collections.abc import Sequence

from benchmarks.timing import Figure, Row

HEADINGS = ("what", "recwatch", "against", "ratio", "promised", "reached")


def number(value: float) -> str:
    """Three digits that count, with separators: 0.0123, 4.56, 1,230,000."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cells(row: Row | Figure) -> tuple[str, ...]:
    """One line of the table."""
    reached = {True: "yes", False: "NO", None: ""}[row.reached]
    if isinstance(row, Figure):
        bound = f"{'<=' if row.at_most else '>='} {number(row.target)} {row.unit}"
        return (row.name, f"{number(row.value)} {row.unit}", "", "", bound, reached)
    target = "" if row.target is None else f"<= {_share(row.target)}"
    against = f"{number(row.other)} {row.unit} ({row.against})"
    return (row.name, f"{number(row.ours)} {row.unit}", against, _share(row.ratio), target, reached)


def _share(ratio: float) -> str:
    """0.17 as 1/6, as it was promised; 1.02 as it is, and what noise made 0 or less."""
    return number(ratio) if ratio > 0.5 or ratio <= 0 else f"1/{number(1 / ratio)}"


def render(rows: Sequence[Row | Figure], *, colour: bool = False) -> str:
    """The table; with colour, what was not reached is red and what was is green."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    written = []
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        shade = {"yes": "32", "NO": "31"}.get(line[-1]) if colour else None
        written.append(text if shade is None else f"\x1b[{shade}m{text}\x1b[0m")
    return "\n".join(written)
