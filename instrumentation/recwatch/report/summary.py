"""A report in a few lines: for a terminal, and for the mail that the whole file is attached to. Pure."""

from recwatch.report.document import Report
from recwatch.report.units import moment

__all__ = ["MOST_ITEMS", "headline", "text"]

MOST_ITEMS = 20
"""Lines about what needs attention; the report holds all."""


def headline(report: Report) -> str:
    """Say in a line how things are."""
    counts = [
        f"{count} {word}"
        for word in ("critical", "warning", "info")
        if (count := sum(item.tone == word for item in report.items))
    ]
    told = ", ".join(counts) if counts else "nothing needs attention"
    holes = f"; incomplete: {report.gaps} questions without an answer" if report.gaps else ""
    return f"{report.period}: {told}{holes}"


def text(report: Report) -> str:
    """Write the summary as plain text."""
    lines = [report.title, ""]
    if report.gaps:
        lines += [
            f"Incomplete: {report.gaps} questions have no answer; the report says which.",
            "",
        ]
    if report.since is not None:
        lines += [f"Nothing is known of before {moment(report.since)} UTC.", ""]
    if report.items:
        lines += ["Needs attention:", *(f"- {item.tone}: {item.text}" for item in report.items[:MOST_ITEMS])]
        left_out = len(report.items) - MOST_ITEMS
        lines += [f"- and {left_out} more"] if left_out > 0 else []
    else:
        known = ", as far as is known" if report.gaps else ""
        lines.append(f"Nothing needs attention{known}.")
    width = max((len(name) for name, _ in report.facts), default=0)
    lines.append("")
    lines += [
        f"{name:<{width}}  {cell.text}{f'  {cell.note}' if cell.note else ''}" for name, cell in report.facts
    ]
    return "\n".join(lines) + "\n"
