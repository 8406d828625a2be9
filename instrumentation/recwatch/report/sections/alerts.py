"""Alerts: which fired, how often, for how long."""

from recwatch.report.document import Cell, Lane, Section, Severity, Shade, Stretch, Table, Timeline
from recwatch.report.period import Period
from recwatch.report.questions import ABOUT
from recwatch.report.sections.common import columns, named, section
from recwatch.report.series import Answers, Key, Series
from recwatch.report.units import NOTHING, change, duration, value

__all__ = ["LABELS", "SEVERITIES", "build", "stretches"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
LABELS = ("alertname", "severity", "service", "model", *ABOUT)
"""What an alert is told apart by."""
_LANES = 20
_TONES: dict[str, Shade] = {"critical": "critical", "warning": "warning"}
_MINUTE = 60.0
_GAP = 1.5


def build(answers: Answers, period: Period) -> Section:
    """Tell of every alert that fired; the longest of the most severe comes first."""
    title, question = "Alerts", "What fired, how often, and for how long?"
    minutes, minutes_before = (answers.values("fired_minutes", *LABELS, before=old) for old in (False, True))
    times, firing = answers.values("fired_times", *LABELS), answers.values("firing", *LABELS)
    fired = sorted({*minutes, *firing}, key=lambda key: (_rank(key[1]), -minutes.get(key, 0.0), key))
    if not fired:
        none = f"No alert fired in this time: {period.name}."
        if not answers.values("watchdog"):
            none += " Nor does Watchdog, which always fires: see whether Prometheus has our rules."
        return section("alerts", title, question, missing=none)
    rows = tuple(
        (
            Cell(key[0], note=named(key[2:])),
            Cell(key[1] or NOTHING, "bad" if key[1] == "critical" else ""),
            Cell("fires now", "bad") if key in firing else Cell("resolved", "quiet"),
            _times(times.get(key, 0.0)),
            Cell(
                duration(minutes.get(key, 0.0) * _MINUTE),
                note=change(minutes.get(key), minutes_before.get(key)),
            ),
        )
        for key in fired
    )
    left_out = len(fired) - _LANES
    courses = answers.courses("fired_course", *LABELS)
    lanes = tuple(
        Lane(
            " ".join(filter(None, (key[0], *key[2:]))),
            _firing(courses[key], key, period),
        )
        for key in fired[:_LANES]
        if key in courses
    )
    note = f"To {duration(period.step)} exactly; the table counts minutes."
    picture = Timeline("When alerts fired", lanes, period.start, period.end, note)
    return Section(
        "alerts",
        title,
        question,
        (Table(columns("Alert", "Severity", "State", "Began", "Fired for", right=3), rows),),
        (picture,) if lanes else (),
        (f"The picture shows {_LANES} of {len(fired)} alerts.",) if left_out > 0 else (),
    )


def stretches(one: Series, period: Period) -> list[tuple[float, float]]:
    """Return from when to when a series that was looked for back over each step was there."""
    found: list[tuple[float, float]] = []
    for at in one.times:
        begin = max(at - period.step, period.start)
        if found and begin - found[-1][1] < (_GAP - 1) * period.step:
            found[-1] = (found[-1][0], at)
        else:
            found.append((begin, at))
    return found


def _firing(one: Series, key: Key, period: Period) -> tuple[Stretch, ...]:
    tone = _TONES.get(key[1], "plain")
    return tuple(Stretch(begin, end, tone=tone) for begin, end in stretches(one, period))


def _times(count: float) -> Cell:
    whole = round(count)
    return Cell("earlier" if not whole else "once" if whole == 1 else f"{value(whole, 'count')} times")


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
