"""Making the report, and saying in a message what is in it."""

from datetime import timedelta

from recwatch.report.asking import ask
from recwatch.report.building import build
from recwatch.report.document import Report
from recwatch.report.errors import ReportError
from recwatch.report.period import Period, period_until
from recwatch.report.prometheus import Prometheus
from recwatch.report.questions import QUESTIONS
from recwatch.report.summary import MOST_ITEMS, headline
from recwatch.report.units import stamp
from recwatch_bridge.messages.notification import (
    FACT_LENGTH,
    TITLE_LENGTH,
    Entry,
    Notification,
    Row,
    Tone,
)
from recwatch_bridge.storage.attachments import Attachment
from recwatch_bridge.text import one_line

_SUBJECT_LENGTH = 200


def make(prometheus: Prometheus, end: float, length: timedelta) -> Report:
    """Ask Prometheus and make the report.

    Args:
        prometheus: is asked.
        end: until when, in seconds since the epoch.
        length: about how long a time.

    Raises:
        ReportError: when it does not answer, or less than half of the questions: later it may say more.
    """
    period: Period = period_until(end, length)
    answers = ask(prometheus, period)
    if 2 * len(answers.failed) > len(QUESTIONS):
        first = next(iter(answers.failed.values()))
        raise ReportError(f"{len(answers.failed)} of {len(QUESTIONS)} questions have no answer: {first}")
    return build(answers, period, source=prometheus.name)


def attached(report: Report) -> Attachment:
    """Write the report as a file."""
    from recwatch.report.page import page  # noqa: PLC0415 - not needed until a report is due

    day = stamp(report.end)[:10]
    return Attachment(f"recwatch-report-{day}.html", page(report).encode(errors="replace"))


def summary(report: Report, *, has_file: bool) -> Notification:
    """Say what is in a report.

    Args:
        report: the report.
        has_file: whether the message carries the file.
    """
    # Whatever is critical was told when it began: this mail is to be read, not to wake anybody.
    tone: Tone = "warning" if any(item.tone != "info" for item in report.items) else "info"
    where = (
        "The whole report is attached: open it in a browser."
        if has_file
        else "The whole report goes by email."
    )
    facts = tuple(
        (name, one_line(f"{cell.text} {cell.note}".strip(), FACT_LENGTH)) for name, cell in report.facts
    )
    numbers = Entry(title=one_line(report.title, TITLE_LENGTH), paragraphs=_texts(report, where), facts=facts)
    return Notification(
        subject=one_line(f"[REPORT] {headline(report)}", _SUBJECT_LENGTH),
        tone=tone,
        entries=(*_attention(report), numbers),
    )


def _texts(report: Report, where: str) -> tuple[str, ...]:
    holes: tuple[str, ...] = ()
    if report.gaps:
        holes = (f"It has holes: {report.gaps} questions have no answer.",)
    calm = () if report.items else ("Nothing needs attention.",)
    return (*holes, *calm, where)


def _attention(report: Report) -> tuple[Entry, ...]:
    if not report.items:
        return ()
    rows = [
        Row(one_line(item.text, FACT_LENGTH), (("Severity", item.tone),))
        for item in report.items[:MOST_ITEMS]
    ]
    left_out = len(report.items) - MOST_ITEMS
    if left_out > 0:
        rows.append(Row(f"and {left_out} more, in the report", (("Severity", ""),)))
    return (Entry(title="Needs attention", rows=tuple(rows)),)
