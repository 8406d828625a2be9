"""Trainings: how many, how long, and how good against the baseline."""

from recwatch.report.document import Cell, Chart, Limit, Section, Table
from recwatch.report.period import Period
from recwatch.report.sections.common import WORST, chart, columns, compared, section, with_pictures
from recwatch.report.series import Answers, Key
from recwatch.report.units import NOTHING, change, duration, moment, value

__all__ = ["build", "runs"]

_METRIC = ("model", "metric", "split")
_CLOCKS = 300.0
"""Seconds by which the clocks of a trainer and of Prometheus may differ."""


def runs(answers: Answers, which: str, start: float, *, before: bool = False) -> dict[Key, float]:
    """Count trainings by model, from the times at which they ended.

    Args:
        answers: with the questions `trained` and `failed`.
        which: one of the two: those that completed, or those that failed.
        start: of the period, in seconds since the epoch.
        before: of the period before; `start` is its start then.
    """
    changes = answers.values(which, "model", before=before)
    first = answers.values(f"{which}_first", "model", before=before)
    # The first time that is known may be of a run of this period; each change after it is another run.
    return {key: float(round(changes.get(key, 0.0))) + (first[key] >= start) for key in first}


def build(answers: Answers, period: Period) -> Section:
    """Tell of every model that was ever trained, as far as is known."""
    title, question = "Training", "Were the models trained, and is the result better than the baseline?"
    completed, failed = (runs(answers, which, period.start) for which in ("trained", "failed"))
    models = sorted({*completed, *failed, *answers.values("duration", "model")})
    if not models:
        return section(
            "training",
            title,
            question,
            missing="Not measured: no training left metrics in this period; docs/training.md says how.",
        )
    old = period.start - period.seconds
    completed_before, failed_before = (
        runs(answers, which, old, before=True) for which in ("trained", "failed")
    )
    took, took_before = (answers.values("duration", "model", before=earlier) for earlier in (False, True))
    longest, last = answers.values("duration_longest", "model"), answers.values("trained_last", "model")
    rows = tuple(
        (
            Cell(key[0]),
            compared(completed.get(key, 0.0), completed_before.get(key), "count"),
            _failed(failed.get(key, 0.0), failed_before.get(key)),
            compared(took.get(key), took_before.get(key), "seconds"),
            Cell(value(longest.get(key), "seconds")),
            _last(last.get(key), period.end),
        )
        for key in models
    )
    heads = columns("Model", "Completed", "Failed", "Last took", "Longest", "Last success")
    metrics = _metrics(answers)
    pictures = _pictures(answers, period)
    return Section(
        "training",
        title,
        question,
        tuple(table for table in (Table(heads, rows, "Runs"), metrics) if table.rows),
        pictures[:WORST],
        with_pictures(len(pictures), "metrics"),
    )


def _failed(count: float, before: float | None) -> Cell:
    return Cell(value(count, "count"), "bad" if count else "", change(count, before))


def _last(at: float | None, end: float) -> Cell:
    if not at:
        return Cell("never", "bad")
    if at > end + _CLOCKS:
        return Cell("in the future", "bad", f"{moment(at)} UTC: it is to be seconds since the epoch")
    return Cell(f"{duration(max(end - at, 0.0))} ago", note=f"{moment(at)} UTC")


def _metrics(answers: Answers) -> Table:
    now, before = (answers.values("training_metric", *_METRIC, before=old) for old in (False, True))
    baselines = answers.values("training_baseline", "model", "metric")
    rows = tuple(
        (
            Cell(key[0]),
            Cell(key[1], note=key[2].replace("_", " ")),
            Cell(value(now[key], "number"), note=change(now[key], before.get(key))),
            Cell(value(baselines.get(key[:2]), "number")),
            Cell(change(now[key], baselines.get(key[:2])) or NOTHING),
        )
        for key in sorted(now)
    )
    heads = columns("Model", "Metric", "Last run", "Baseline", "Against it", right=2)
    return Table(heads, rows, "Metrics of the last run of each model")


def _pictures(answers: Answers, period: Period) -> tuple[Chart, ...]:
    """Draw what changed: a line that lies flat says no more than the table."""
    baselines = answers.values("training_baseline", "model", "metric")
    found = []
    for key, one in sorted(answers.courses("training_course", *_METRIC).items()):
        if len(set(one.values)) > 1:
            limits = (Limit("baseline", baselines[key[:2]]),) if key[:2] in baselines else ()
            found.append(
                chart(f"{key[0]}: {key[1]} ({key[2]})", {key[1]: one}, "number", period, limits=limits)
            )
    return tuple(picture for picture in found if picture is not None)
