"""Asking all that a report needs: the one place of this package that waits for a network."""

from collections.abc import Callable, Sequence

from recwatch.report.errors import PrometheusError, ReportError, UnreachableError
from recwatch.report.period import Period
from recwatch.report.prometheus import Prometheus
from recwatch.report.questions import QUESTIONS, Question, drift_course
from recwatch.report.sections.drift import worst_findings
from recwatch.report.series import Answers, Series

__all__ = ["ask"]

PATIENCE = 3
"""Questions in a row without an answer after which no more are asked."""
_NAMED = 20

Progress = Callable[[int, int], None]


class _Interview:
    """Asks one question after the other and remembers what became of them."""

    def __init__(self, prometheus: Prometheus, period: Period) -> None:
        self._prometheus = prometheus
        self._period = period
        self._unanswered = 0
        self.failed: dict[str, str] = {}
        self.now: dict[str, tuple[Series, ...]] = {}
        self.before: dict[str, tuple[Series, ...]] = {}

    def ask(self, question: Question, query: str | None = None) -> None:
        """Ask a question; `query` is what its template would give, where names must stay as they are."""
        period, query = self._period, query or question.query(self._period)
        if self._unanswered >= PATIENCE:
            self.failed[question.name] = f"not asked, as {self._prometheus.name} had stopped to answer"
            return
        try:
            if question.kind == "course":
                self.now[question.name] = self._range(query, period.step)
            elif question.kind == "slots":
                self.now[question.name] = self._range(query, period.slot[0])
            else:
                self.now[question.name] = self._prometheus.instant(query, period.end)
                if question.kind == "both":
                    self.before[question.name] = self._prometheus.instant(query, period.start)
        except PrometheusError as error:
            self._unanswered += isinstance(error, UnreachableError)
            self.failed[question.name] = str(error)
        else:
            self._unanswered = 0

    @property
    def models(self) -> set[str]:
        """Every model that an answer names."""
        answers = (*self.now.values(), *self.before.values())
        return {one.labels["model"] for found in answers for one in found if one.labels.get("model")}

    def _range(self, query: str, step: float) -> tuple[Series, ...]:
        # A window of a step looks back, so the first point is a step after the start.
        return self._prometheus.range(query, self._period.start + step, self._period.end, step)


def ask(
    prometheus: Prometheus,
    period: Period,
    *,
    models: Sequence[str] = (),
    progress: Progress = lambda _done, _all: None,
) -> Answers:
    """Ask all questions.

    A question that fails is a gap in the report; the others are asked all the same.

    Args:
        prometheus: is asked.
        period: about this time.
        models: about these alone; none is all.
        progress: is told how many questions of how many are answered.

    Raises:
        PrometheusError: when the first question, about nothing, has no answer: there is no Prometheus.
        ReportError: when Prometheus answered all and has no series of one of the models in that time.
    """
    prometheus.instant("vector(1)", period.end)
    interview = _Interview(prometheus, period)
    for number, question in enumerate(QUESTIONS, 1):
        interview.ask(question)
        progress(number, len(QUESTIONS))
    if not interview.failed:
        _check_models(models, interview.models)
    asked = Answers(interview.now, interview.before, interview.failed).of_models(frozenset(models))
    for finding in worst_findings(asked):
        query = drift_course(finding.service, finding.check, finding.feature, finding.segment)
        interview.ask(Question(finding.course, "drift", "course", query), query)
    return Answers(interview.now, interview.before, interview.failed).of_models(frozenset(models))


def _check_models(wanted: Sequence[str], known: set[str]) -> None:
    """Refuse a name that is none: a report of nothing looks as if all were well."""
    for model in wanted:
        if model not in known:
            names = sorted(known)
            told = ", ".join(names[:_NAMED]) + (", and others" if len(names) > _NAMED else "")
            raise ReportError(
                f"Prometheus has no series of model {model!r} in this time: "
                + (f"name one of {told}" if names else "it has none of any model")
            )
