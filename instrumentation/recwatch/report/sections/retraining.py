"""Retraining: what the bridge started, promoted and rolled back, and which version was in service when."""

from collections import defaultdict
from itertools import pairwise

from recwatch.report.document import Cell, Lane, Section, Stretch, Table, Timeline
from recwatch.report.period import Period
from recwatch.report.sections.alerts import stretches
from recwatch.report.sections.common import columns, section
from recwatch.report.series import Answers
from recwatch.report.units import NOTHING, change, moment, value

__all__ = ["build"]

_STATUSES = ("promoted", "refused", "failed", "withdrawn")
_LANES = 20


def build(answers: Answers, period: Period) -> Section:
    """Tell of every model that the bridge retrains, and of the versions in service."""
    title, question = "Retraining and versions", "What was done about it, and what is in service?"
    tables = tuple(table for table in (_retrainings(answers), _versions(answers, period)) if table.rows)
    if not tables:
        return section(
            "retraining",
            title,
            question,
            missing="Nothing to tell: neither the bridge's bridge_retrains_total nor a service's "
            "recommender_model_info in this period. docs/bridge.md says how models are retrained.",
        )
    lanes = _lanes(answers, period)
    picture = Timeline("Versions in service", lanes[:_LANES], period.start, period.end)
    remarks = (f"The picture shows {_LANES} of {len(lanes)} models.",) if len(lanes) > _LANES else ()
    return Section("retraining", title, question, tables, (picture,) if lanes else (), remarks)


def _retrainings(answers: Answers) -> Table:
    runs, before = (_by_status(answers, before=old) for old in (False, True))
    promotions = _by_outcome(answers, "promotions")
    rollbacks = _by_outcome(answers, "rollbacks")
    seconds, count = answers.values("retrain_seconds", "model"), answers.values("retrain_count", "model")
    triggers: dict[str, list[str]] = defaultdict(list)
    for (model, trigger, _status), number in sorted(
        answers.values("retrains", "model", "trigger", "status").items()
    ):
        if round(number) and trigger not in triggers[model]:
            triggers[model].append(trigger)
    rows = []
    for model in sorted({*runs, *(model for model, _ in (*promotions, *rollbacks))}):
        of = runs.get(model, {})
        took = seconds.get((model,), 0.0) / count[model,] if count.get((model,)) else None
        backs = rollbacks.get((model, "success"), 0.0)
        rows.append(
            (
                Cell(model, note="by " + ", ".join(triggers[model]) if triggers[model] else ""),
                Cell(
                    value(sum(of.values()), "count"),
                    note=change(sum(of.values()), sum(before.get(model, {}).values())),
                ),
                *(
                    Cell(
                        value(of.get(status, 0.0), "count"),
                        "bad" if status == "failed" and of.get(status) else "",
                    )
                    for status in _STATUSES
                ),
                Cell(value(took, "seconds")),
                _done(promotions.get((model, "success"), 0.0), promotions.get((model, "error"), 0.0)),
                Cell(value(backs, "count"), "bad" if backs else "", _declined(rollbacks, model)),
            )
        )
    heads = columns(
        "Model", "Runs", *(status.title() for status in _STATUSES), "On average", "Promotions", "Rollbacks"
    )
    return Table(heads, tuple(rows), "What the bridge did")


def _done(succeeded: float, failed: float) -> Cell:
    note = f"{value(failed, 'count')} failed" if failed else ""
    return Cell(value(succeeded, "count"), "bad" if failed else "", note)


def _declined(rollbacks: dict[tuple[str, str], float], model: str) -> str:
    told = (
        (rollbacks.get((model, outcome), 0.0), word)
        for outcome, word in (("declined", "declined"), ("error", "failed"))
    )
    return ", ".join(f"{value(count, 'count')} {word}" for count, word in told if count)


def _by_status(answers: Answers, *, before: bool) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    labels = ("model", "trigger", "status")
    for (model, _trigger, status), number in answers.values("retrains", *labels, before=before).items():
        found[model][status] += _whole(number)
    return found


def _by_outcome(answers: Answers, name: str) -> dict[tuple[str, str], float]:
    return {
        (key[0], key[1]): _whole(number) for key, number in answers.values(name, "model", "outcome").items()
    }


def _whole(number: float) -> float:
    """Return a count: increase() guesses at what lies between scrapes."""
    return float(round(number))


def _versions(answers: Answers, period: Period) -> Table:
    rows = []
    for model, found in _stretches(answers, period).items():
        since = found[-1][0]
        last = max(end for _, end, _ in found)
        newest = list(dict.fromkeys(version for _, end, version in found if end >= last))
        is_gone = last <= period.end - period.step  # not seen in the last step
        began = "the whole period" if since <= period.start else f"{moment(since)} UTC"
        rows.append(
            (
                Cell(model),
                _gone(newest, last) if is_gone else _serving(newest),
                Cell(NOTHING if is_gone else began),
                Cell(f"{_changes(found)}"),
            )
        )
    heads = columns("Model", "In service", "Since, about", "Changes", right=3)
    return Table(heads, tuple(rows), "Versions in service at the end of the period")


def _serving(versions: list[str]) -> Cell:
    several = len(versions) > 1
    return Cell(", ".join(versions), "bad" if several else "", "several at once" if several else "")


def _gone(versions: list[str], last: float) -> Cell:
    return Cell("none", "bad", f"{', '.join(versions)} was last seen {moment(last)} UTC")


def _changes(found: list[tuple[float, float, str]]) -> int:
    """Count how often another version came; a service that was away for a while came back with the same."""
    return sum(one[2] != other[2] for one, other in pairwise(found))


def _stretches(answers: Answers, period: Period) -> dict[str, list[tuple[float, float, str]]]:
    """Return from when to when each version served, by model; in order of time."""
    found: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for (model, version), one in answers.courses("versions", "model", "version").items():
        found[model] += [(begin, end, version) for begin, end in stretches(one, period)]
    return {model: sorted(found[model]) for model in sorted(found)}


def _lanes(answers: Answers, period: Period) -> tuple[Lane, ...]:
    return tuple(
        Lane(model, tuple(Stretch(begin, end, version) for begin, end, version in found))
        for model, found in _stretches(answers, period).items()
    )
