"""Failed requests, and answers that did not come from the model."""

from recwatch.report.document import Cell, Section, Table
from recwatch.report.period import Period
from recwatch.report.sections.common import WORST, chart, columns, compared, ratio, section, with_pictures
from recwatch.report.series import Answers
from recwatch.report.units import value

__all__ = ["build"]

_LABELS = ("service", "model")


def build(answers: Answers, period: Period) -> Section:
    """Tell of every model that had requests."""
    title, question = "Errors and fallbacks", "Who got no answer, or only a fallback?"
    requests = {key: count for key, count in answers.values("requests", *_LABELS).items() if count > 0}
    if not requests:
        return section(
            "errors",
            title,
            question,
            missing="Nothing to tell: no recommendation was asked for in this period.",
        )
    before = answers.values("requests", *_LABELS, before=True)
    errors, errors_before = (answers.values("errors", *_LABELS, before=old) for old in (False, True))
    fallbacks, fallbacks_before = (answers.values("fallbacks", *_LABELS, before=old) for old in (False, True))
    ranked = sorted(requests, key=lambda key: (-(ratio(errors, requests, key) or 0.0), key))
    rows = tuple(
        (
            Cell(key[1]),
            Cell(key[0]),
            Cell(value(errors.get(key, 0.0), "count"), note=_kinds(answers, key)),
            compared(ratio(errors, requests, key), ratio(errors_before, before, key), "ratio", worse="up"),
            compared(
                ratio(fallbacks, requests, key), ratio(fallbacks_before, before, key), "ratio", worse="up"
            ),
        )
        for key in ranked
    )
    failing = [key for key in ranked if errors.get(key, 0.0) > 0]
    courses = answers.courses("error_course", *_LABELS)
    pictures = (
        chart(
            f"{key[1]} on {key[0]}: failed requests",
            {"failed": courses.get(key)},
            "ratio",
            period,
            note="The worst five minutes of each point.",
        )
        for key in failing[:WORST]
    )
    return Section(
        "errors",
        title,
        question,
        (Table(columns("Model", "Service", "Failed, about", "Of all", "Fallbacks", right=2), rows),),
        tuple(picture for picture in pictures if picture is not None),
        with_pictures(len(failing), "models") if failing else ("No request failed, so there is no picture.",),
    )


def _kinds(answers: Answers, key: tuple[str, ...]) -> str:
    """Name the most frequent types of error."""
    kinds = {
        labels[2]: count
        for labels, count in answers.values("error_types", *_LABELS, "error").items()
        if labels[:2] == key
    }
    return ", ".join(
        f"{kind} {value(count, 'count')}"
        for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))
    )
