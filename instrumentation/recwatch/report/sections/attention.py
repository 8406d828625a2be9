"""What needs attention, gathered from everything else."""

from functools import partial
from typing import Protocol

from recwatch.report.document import Cell, Item, Severity
from recwatch.report.period import Period
from recwatch.report.sections.alerts import SEVERITIES
from recwatch.report.sections.common import Worse, compared
from recwatch.report.sections.drift import findings
from recwatch.report.sections.firing import DOWN_ALERTS, firing, told
from recwatch.report.sections.slo import ENOUGH, LOW, budget, budgets, senseless
from recwatch.report.sections.slo import LABELS as SLO
from recwatch.report.sections.traffic import QUANTILES, latency
from recwatch.report.sections.training import runs
from recwatch.report.series import Answers
from recwatch.report.units import NOTHING, Unit, value

__all__ = ["facts", "items"]

_MEASURED = (
    "requests",
    "budget",
    "threshold",
    "effect_size",
    "quality",
    "impressions",
    "duration",
    "trained_last",
)
"""Questions of which one has an answer where anything is measured."""


class Ask(Protocol):
    """Gives a number of this period, or of the one before."""

    def __call__(self, *, before: bool) -> float | None: ...


def items(answers: Answers, period: Period) -> tuple[Item, ...]:
    """Return what needs attention at the end of the period, the worst first.

    What an alert is there for is told as the alert tells it: once it fires, and no louder before.
    """
    found = [
        *_blind(answers),
        *_alerts(answers),
        *_budgets(answers),
        *_down(answers),
        *_quality(answers),
        *_drift(answers),
        *_trainings(answers, period),
        *(
            Item(
                "warning",
                f"{value(count, 'count')} messages to {sink} were given up: see the bridge's dead letters",
                "alerts",
            )
            for (sink,), count in sorted(answers.values("dead_letters", "sink").items())
        ),
    ]
    return tuple(sorted(found, key=lambda item: SEVERITIES.index(item.tone)))


def facts(answers: Answers, period: Period) -> tuple[tuple[str, Cell], ...]:
    """Return the few numbers that everybody wants, over all models."""

    def compare(of: Ask, unit: Unit, worse: Worse = "neither") -> Cell:
        return compared(of(before=False), of(before=True), unit, worse=worse)

    def total(name: str, *, before: bool) -> float | None:
        found = answers.values(name, "service", "model", before=before)
        return sum(found.values()) if found else None

    def share(name: str, *, before: bool) -> float | None:
        whole = total("requests", before=before)
        return (total(name, before=before) or 0.0) / whole if whole else None

    def slowest(*, before: bool) -> float | None:
        return max(latency(answers, QUANTILES["p95"], before=before).values(), default=None)

    least = min(budgets(answers).values(), default=None)
    trained = sum(runs(answers, "trained", period.start).values())
    found = findings(answers)
    drifting = sum(one.drifts > 0 for one in found)
    return (
        ("Requests", compare(partial(total, "requests"), "count")),
        ("Failed", compare(partial(share, "errors"), "ratio", "up")),
        ("Fallbacks", compare(partial(share, "fallbacks"), "ratio", "up")),
        ("p95, slowest model", compare(slowest, "seconds", "up")),
        ("Least budget left", Cell(budget(least), "" if least is None or least >= LOW else "bad")),
        (
            "Checks with drift",
            Cell(f"{drifting} of {len(found)}" if found else NOTHING, "bad" if drifting else ""),
        ),
        ("Trainings", Cell(value(trained, "count"))),
    )


def _blind(answers: Answers) -> list[Item]:
    """Say where a report without items would be no good news: nobody watched, or there was nothing to see."""
    found = []
    if "watchdog" not in answers.failed and not answers.now.get("watchdog"):
        text = (
            "Watchdog, an alert that always fires, does not: Prometheus has not the rules of recwatch, or "
            "did not run at the end of this time. No alert could fire, so silence below means nothing"
        )
        found.append(Item("critical", text, "alerts"))
    if not any(answers.now.get(name) or name in answers.failed for name in _MEASURED):
        text = "nothing was measured in this time: no request, drift check, quality metric or training"
        found.append(Item("warning", text, "traffic"))
    return found


def _alerts(answers: Answers) -> list[Item]:
    """Tell of alerts that fire; those that likely have their cause in another are told with it."""
    found = []
    for one, effects in firing(answers).items():
        tone: Severity = next((severity for severity in SEVERITIES if severity == one.severity), "info")
        about = f": {one.about}" if one.about else ""
        names = ", ".join(dict.fromkeys(effect.name for effect in effects))
        reason = f"; likely for that reason: {names}" if names else ""
        found.append(Item(tone, f"{one.name} fires{about}{reason}", "alerts"))
    return found


def _budgets(answers: Answers) -> list[Item]:
    found = []
    spent = told(answers, "ErrorBudgetSpent", *SLO)
    requests = answers.values("slo_requests", *SLO)
    for key, left in sorted(budgets(answers).items()):
        if left >= LOW or key in spent:
            continue
        (service, model, slo), is_missed = key, left <= 0
        state = (
            f"the {slo} objective is missed, no error budget is left"
            if is_missed
            else f"{value(left, 'ratio')} of the error budget for {slo} is left"
        )
        is_sure = requests.get(key, 0.0) >= ENOUGH
        few = "" if is_sure else f" (fewer than {ENOUGH:,} requests in 3 days)"
        tone: Severity = "warning" if is_missed and is_sure else "info"
        found.append(Item(tone, f"{model} on {service}: {state}{few}", "slo"))
    for (service, model, slo), objective in sorted(senseless(answers).items()):
        wrong = f"the {slo} objective of {objective:g} is no share between 0 and 1, so nobody watches it"
        found.append(Item("warning", f"{model} on {service}: {wrong}", "slo"))
    return found


def _quality(answers: Answers) -> list[Item]:
    labels = ("service", "model", "metric")
    alerted = told(answers, "ModelQualityDegraded", *labels)
    return [
        Item(
            "info",
            f"{key[1]} on {key[0]}: {key[2]} is worse than its baseline by more than is tolerated; "
            "no alert fires of it",
            "quality",
        )
        for key, degraded in sorted(answers.values("quality_degraded", *labels).items())
        if degraded > 0 and key not in alerted
    ]


def _drift(answers: Answers) -> list[Item]:
    alerted = {
        key[1:]
        for key in answers.values("firing", "alertname", "service", "check")
        if not key[0].startswith("DriftCheck")  # the check fails, is silent, or has too few rows
    }
    return [
        Item("info", f"{one.name} has drifted; no alert fires of it", "drift")
        for one in findings(answers)
        if one.drifts and one.key not in alerted
    ]


def _down(answers: Answers) -> list[Item]:
    alerts = answers.values("firing", "alertname", "service")
    alerted = {service for name, service in alerts if name in DOWN_ALERTS}
    down = sorted(key for key in answers.values("down", "job", "service") if key[1] not in alerted)
    return [
        Item("critical", f"{service or job} is down: Prometheus does not reach it", "alerts")
        for job, service in down
    ]


def _trainings(answers: Answers, period: Period) -> list[Item]:
    failed = runs(answers, "failed", period.start)
    return [
        Item(
            "warning",
            f"{key[0]}: {value(count, 'count')} training{'' if count == 1 else 's'} failed",
            "training",
        )
        for key, count in sorted(failed.items())
        if count
    ]
