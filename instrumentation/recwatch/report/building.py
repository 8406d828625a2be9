"""From answers to a report, in the order of the questions that a reader has. Pure, but for its log."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from recwatch.report.document import Cell, Item, Report, Section
from recwatch.report.period import Period
from recwatch.report.questions import QUESTIONS
from recwatch.report.sections import (
    alerts,
    attention,
    drift,
    errors,
    quality,
    retraining,
    slo,
    traffic,
    training,
)
from recwatch.report.series import Answers
from recwatch.report.units import moment

__all__ = ["build"]

_BUILDERS = (slo, traffic, errors, drift, quality, training, alerts, retraining)
_SECTION_OF = {question.name: question.section for question in QUESTIONS}
_UNNOTICED = 0.1
"""A share of the period of which nothing need be known for pictures to begin at its start."""
_Part = TypeVar("_Part")

log = logging.getLogger(__name__)


class _Gaps:
    """What cannot be told, by section."""

    def __init__(self, failed: Mapping[str, str]) -> None:
        self.count = 0
        self._of: dict[str, list[str]] = {}
        for name, why in failed.items():
            self._add(_SECTION_OF.get(name, "drift"), f"{name.replace('_', ' ')}: {why}")

    def _add(self, section: str, told: str) -> None:
        self.count += 1
        self._of.setdefault(section, []).append(told)

    def of(self, section: str) -> tuple[str, ...]:
        """Return those of a section."""
        return tuple(self._of.get(section, ()))

    def part(self, what: str, section: str, make: Callable[[], _Part], *, instead: _Part) -> _Part:
        """Make a part of the report; where an answer that nobody foresaw keeps it from that, it is a gap."""
        try:
            return make()
        except Exception as error:
            log.exception("the report: in %s, %s could not be told", section, what)
            self._add(section, f"{what} could not be told: {type(error).__name__}: {error}")
            return instead


def build(answers: Answers, period: Period, *, source: str, models: Sequence[str] = ()) -> Report:
    """Make a report; what cannot be made of the answers is a gap in it, as a question without an answer is.

    Args:
        answers: what Prometheus said.
        period: what it is about.
        source: the Prometheus that was asked, without a login.
        models: what the answers are limited to; none is all.
    """
    gaps = _Gaps(answers.failed)
    sections = [_section(module.build, answers, period, gaps) for module in _BUILDERS]
    text = "what needs attention could not be gathered: see the sections"
    unknown: tuple[Item, ...] = (Item("warning", text, "alerts"),)
    none: tuple[tuple[str, Cell], ...] = ()
    items = gaps.part(
        "what needs attention", "alerts", lambda: attention.items(answers, period), instead=unknown
    )
    facts = gaps.part("the main numbers", "alerts", lambda: attention.facts(answers, period), instead=none)
    since = _since(answers, period)
    return Report(
        title=f"recwatch, {period.name} until {moment(period.end)} UTC",
        start=period.start,
        end=period.end,
        period=period.name,
        source=source,
        models=tuple(models),
        items=items,
        facts=facts,
        sections=tuple(_from(_with_gaps(one, gaps.of(one.name)), since) for one in sections),
        gaps=gaps.count,
        since=since,
    )


def _since(answers: Answers, period: Period) -> float | None:
    """Return where what there is to draw begins; None where it is most of the period, or nothing."""
    courses = {question.name for question in QUESTIONS if question.kind == "course"}
    first = min(
        (one.times[0] for name in courses for one in answers.now.get(name, ()) if one.times), default=0
    )
    since = first - period.step
    return since if since > period.start + _UNNOTICED * period.seconds else None


def _from(section: Section, since: float | None) -> Section:
    """Let the pictures begin where there is something to be seen."""
    if since is None:
        return section
    pictures = tuple(replace(one, start=max(one.start, since)) for one in section.pictures)
    return replace(section, pictures=pictures)


def _section(
    make: Callable[[Answers, Period], Section], answers: Answers, period: Period, gaps: _Gaps
) -> Section:
    empty = replace(make(Answers(), period), remarks=())
    return gaps.part("this", empty.name, lambda: make(answers, period), instead=empty)


def _with_gaps(section: Section, gaps: tuple[str, ...]) -> Section:
    if gaps and not section.tables:
        # That there is nothing is not known.
        return replace(section, gaps=gaps, remarks=("Not known, as something is missing.",))
    return replace(section, gaps=gaps)
