"""Reports of whatever Prometheus holds: any number, and answers that nobody foresaw."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.report.building import build
from recwatch.report.document import Report
from recwatch.report.page import page
from recwatch.report.period import period_until
from recwatch.report.questions import QUESTIONS, Question
from recwatch.report.sections.drift import worst_findings
from recwatch.report.series import Answers, Series
from recwatch.report.summary import text

END = 1_794_812_400.0
PERIOD = period_until(END, timedelta(days=7))
NAMES = ("als", "bpr", "ndcg@10", "success", "promoted", "RecommenderLatencyHigh")
BOUNDS = ("0.1", "0.5", "1.0", "+Inf")
# What Prometheus holds where somebody pushes milliseconds, divides by nothing or has a mistake.
ODD = st.sampled_from([1.7e12, 1e15, 1e300, 1.7e308, -1.7e308, 5e-324, float("inf"), float("-inf")])


def labels_of(question: Question) -> list[str]:
    found = re.search(r"by \(([^)]*)\)", question.template)
    return [label.strip() for label in found[1].split(",")] if found else []


def answers_of(pool: Sequence[float], seed: int) -> Answers:
    """Answers to every question, of some series each, whose values are out of a pool."""
    chance = random.Random(seed)  # noqa: S311 - of a test

    def found(question: Question, points: int) -> tuple[Series, ...]:
        series = []
        for _ in range(chance.randint(0, 4)):
            labels = {
                label: chance.choice(BOUNDS if label == "le" else NAMES) for label in labels_of(question)
            }
            times = sorted(chance.sample(range(1, 169), points))
            moments = tuple(PERIOD.start + PERIOD.step * number for number in times)
            series.append(Series(labels, moments, tuple(chance.choice(pool) for _ in moments)))
        return tuple(series)

    def size(question: Question) -> int:
        return chance.randint(1, 9) if question.kind in ("course", "slots") else 1

    now = {question.name: found(question, size(question)) for question in QUESTIONS}
    before = {question.name: found(question, 1) for question in QUESTIONS if question.kind == "both"}
    for finding in worst_findings(Answers(now)):
        now[finding.course] = found(Question(finding.course, "drift", "course", ""), 3)
    return Answers(now, before)


@given(st.lists(st.floats() | ODD, min_size=1, max_size=8), st.integers(0, 10_000))
def test_every_number_can_be_told(pool: list[float], seed: int) -> None:
    report = build(answers_of(pool, seed), PERIOD, source="Prometheus")
    assert [(section.name, section.gaps) for section in report.sections if section.gaps] == []
    html = page(report)
    places = re.findall(r' (?:d|x|y|width|height|viewBox)="([^"]*)"', html)
    assert [place for place in places if re.search("nan|inf|e\\+", place)] == []
    assert max(map(len, re.findall(r"<span>([^<]*)</span>", html)), default=0) < 200
    text(report)


@pytest.fixture
def odd() -> Report:
    """A report of an answer that no Prometheus gives: a series without a point."""
    return build(Answers({"requests": (Series({"model": "als"}, (), ()),)}), PERIOD, source="Prometheus")


def test_a_section_that_cannot_be_made_is_a_gap(odd: Report) -> None:
    gaps = {section.name: section.gaps for section in odd.sections if section.gaps}
    assert gaps.keys() == {"traffic", "errors", "alerts"}
    assert gaps["traffic"] == ("this could not be told: IndexError: tuple index out of range",)
    assert [gap.partition(" could")[0] for gap in gaps["alerts"]] == ["the main numbers"]
    assert odd.gaps == 3
    [traffic] = [section for section in odd.sections if section.name == "traffic"]
    assert (traffic.title, traffic.remarks) == (
        "Traffic and latency",
        ("Not known, as something is missing.",),
    )
    assert "this could not be told" in page(odd)
    assert "3 questions have no answer" in text(odd)


def test_what_cannot_be_gathered_needs_attention(answers: Callable[..., Answers]) -> None:
    given = answers({"budget": [({"model": "als"}, 0.9)]}, firing=[Series({}, (), ())])
    report = build(given, PERIOD, source="Prometheus")
    assert [item.text for item in report.items] == [
        "what needs attention could not be gathered: see the sections"
    ]
    assert report.gaps == 2


def test_pictures_begin_where_something_is_known(answers: Callable[..., Answers]) -> None:
    def course(hours: int) -> list[Series]:
        times = tuple(END - PERIOD.step * number for number in range(hours, -1, -1))
        return [Series({"service": "shop", "model": "als"}, times, tuple(0.1 for _ in times))]

    def report(hours: int) -> Report:
        requests = {"requests": [({"service": "shop", "model": "als"}, 10.0)]}
        return build(answers(requests, p95_course=course(hours)), PERIOD, source="Prometheus")

    late, early = report(3), report(160)
    since = END - 4 * PERIOD.step
    [picture] = [picture for section in late.sections for picture in section.pictures]
    assert (late.since, picture.start, picture.end) == (since, since, END)
    assert "Nothing is known of before 2026-11-16 03:00 UTC" in text(late)
    assert "pictures begin there" in page(late)
    [picture] = [picture for section in early.sections for picture in section.pictures]
    assert (early.since, picture.start) == (None, PERIOD.start)
    assert "Nothing is known of before" not in text(early) + page(early)
