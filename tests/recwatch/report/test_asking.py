from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from recwatch.report.asking import PATIENCE, ask
from recwatch.report.errors import UnreachableError
from recwatch.report.period import period_until
from recwatch.report.prometheus import Prometheus
from recwatch.report.questions import QUESTIONS, drift_course
from recwatch.testing import PrometheusServer, free_port

PERIOD = period_until(1_794_812_400.0, timedelta(days=7))


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


def test_no_prometheus_is_no_report() -> None:
    with pytest.raises(UnreachableError):
        ask(Prometheus(f"http://127.0.0.1:{free_port()}"), PERIOD)


def test_a_question_that_fails_is_a_hole(server: PrometheusServer) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if done == 1:
            server.fail_next(500)

    answers = ask(Prometheus(server.url), PERIOD, progress=progress)
    assert list(answers.failed) == [QUESTIONS[1].name]
    assert told == [(number, len(QUESTIONS)) for number in range(1, len(QUESTIONS) + 1)]


def test_a_prometheus_that_went_away_is_not_asked_for_ever() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(PrometheusServer())
        prometheus = Prometheus(server.url)
        answers = ask(prometheus, PERIOD, progress=lambda _done, _of: stack.close())
    assert len(answers.now) == 1
    reasons = list(answers.failed.values())
    assert [reason.startswith("no answer from Prometheus") for reason in reasons] == [
        number < PATIENCE for number in range(len(QUESTIONS) - 1)
    ]
    assert reasons[-1] == f"not asked, as {prometheus.name} had stopped to answer"


def test_queries_are_bounded() -> None:
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        query = question.query(PERIOD)
        assert not any(word in query for word in ("PERIOD", "STEP", "SLOT")), query


def test_names_of_checks_are_escaped() -> None:
    query = drift_course("", 'a"} or vector(1) #', "x\\", "line\nbreak PERIOD")
    assert query == (
        'max(drift_effect_size{service="",check="a\\"} or vector(1) #",feature="x\\\\",'
        'segment="line\\nbreak PERIOD"})'
    )
