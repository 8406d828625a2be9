"""Alerts that fire at the end of the period, and which of them likely have their cause in another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recwatch.report.questions import HELD_BACK_BY
from recwatch.report.sections.alerts import LABELS
from recwatch.report.series import Answers, Key

__all__ = ["DOWN_ALERTS", "HELD_BACK", "Firing", "HeldBack", "firing", "told"]

DOWN_ALERTS = frozenset({"RecommenderDown", "DriftExporterDown", "BridgeDown", "TargetDown"})
"""The alerts that say themselves that Prometheus does not reach a service."""
_ALL = (*LABELS, *HELD_BACK_BY)
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')


@dataclass(frozen=True, order=True)
class Firing:
    """An alert that fires.

    Attributes:
        values: of what it is told apart by, and of what it is held back by; what does not apply is empty.
    """

    values: Key

    def __getitem__(self, label: str) -> str:
        return self.values[_ALL.index(label)]

    @property
    def name(self) -> str:
        """The alert's."""
        return self["alertname"]

    @property
    def severity(self) -> str:
        """Its own."""
        return self["severity"]

    @property
    def about(self) -> str:
        """What it is about, in words; empty where its name says it."""
        return " · ".join(filter(None, self.values[2 : len(LABELS)]))

    @property
    def is_finding(self) -> bool:
        """Whether a check found something; that a check fails or is silent is none."""
        return bool(self["check"]) and not self.name.startswith("DriftCheck")

    def has(self, matchers: Sequence[str]) -> bool:
        """Whether it has labels such as Alertmanager's matchers ask for."""
        return all(self._has(matcher) for matcher in matchers)

    def explains(self, other: "Firing") -> bool:
        """Whether it is likely the reason of another, as alertmanager.yml holds that back; but in two cases.

        A page of an objective is told although its service is down: the outage explains it all the same. What
        a check found is no symptom of an exporter that is down.
        """
        if self.name == "DriftExporterDown" and other.is_finding:
            return False
        return any(
            self.has(rule.source)
            and other.has(rule.target)
            and all(self[label] == other[label] for label in rule.equal)
            for rule in (*HELD_BACK, _OUTAGE)
        )

    def _has(self, matcher: str) -> bool:
        found = _MATCHER.fullmatch(matcher)
        if found is None:
            raise ValueError(f"no matcher: {matcher}")
        label, operator, wanted = found.groups()
        is_so = bool(re.fullmatch(wanted, self[label])) if "~" in operator else self[label] == wanted
        return is_so != operator.startswith("!")


@dataclass(frozen=True)
class HeldBack:
    """What is not told while something else fires.

    Attributes:
        source: matchers of what fires.
        target: matchers of what is held back.
        equal: labels that both have alike.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()


HELD_BACK = (
    HeldBack(
        ('alertname=~"(Recommender|DriftExporter|Bridge|Target)Down"', 'scope="service"'),
        (
            'alertname!~"(Recommender|DriftExporter|Bridge|Target)Down|Watchdog|Scrape.+|MemoryNearLimit|FileDescriptorsNearLimit|DiskFilling"',
            'severity!="critical"',
            'service!=""',
            'action=""',
        ),
        ("service",),
    ),
    HeldBack(
        ('alertname=~"(Recommender|DriftExporter|Bridge|Target)Down"', 'scope="service"'),
        ('alertname=~"(Recommender|Http)ErrorRateHigh"', 'service!=""'),
        ("service",),
    ),
    HeldBack(
        ('alertname=~"(Recommender|DriftExporter|Bridge|Target)Down"', 'scope="service"'),
        ('alertname="TargetDown"', 'instance!=""', 'service!=""'),
        ("service",),
    ),
    HeldBack(
        ('alertname=~".+BudgetBurn"', 'severity="critical"'),
        ('alertname!~".+BudgetBurn"', 'symptom!=""', 'action=""'),
        ("service", "model", "symptom"),
    ),
    HeldBack(
        ('alertname=~"RecommenderErrorRateHigh|AvailabilityBudgetBurn"', 'severity="critical"', 'type=""'),
        ('alertname="HttpErrorRateHigh"', 'service!=""'),
        ("service",),
    ),
    HeldBack(
        ('alertname=~".+BudgetBurn"', 'severity="critical"'),
        ('alertname=~".+BudgetBurn"', 'severity!="critical"'),
        ("service", "model", "symptom"),
    ),
    HeldBack(
        ('alertname=~"RuleEvaluationFailing|NotificationsFailing|BridgeStoreErrors"', 'severity="critical"'),
        ('alertname=~"RuleEvaluationFailing|NotificationsFailing|BridgeStoreErrors"', 'severity="warning"'),
        ("alertname", "service", "rule_group", "integration", "operation"),
    ),
    HeldBack(('alertname="DriftCheckFailing"',), ('alertname="DriftCheckSilent"',), ("service", "check")),
    HeldBack(
        ('alertname="BridgeDown"', 'scope="service"'),
        ('alertname="NotificationsFailing"', 'integration="webhook"'),
    ),
    HeldBack(('alertname="TrainingFailed"',), ('alertname="TrainingSilent"',), ("service", "model")),
    HeldBack(('alertname="PipelineFailed"',), ('alertname="PipelineSilent"',), ("service", "pipeline")),
)
"""The inhibit_rules of alertmanager.yml, in its words."""
_OUTAGE = HeldBack(
    HELD_BACK[0].source, ('alertname=~".+BudgetBurn"', 'severity="critical"', 'service!=""'), ("service",)
)


def firing(answers: Answers) -> dict[Firing, list[Firing]]:
    """Return the alerts that fire, each with those of which it is likely the reason."""
    found = [Firing(values) for values in sorted(answers.values("firing", *_ALL))]
    # What is down comes first.
    sources = sorted(found, key=lambda one: (one.name not in DOWN_ALERTS, one))
    causes = [one for one in sources if not any(other.explains(one) for other in found if other != one)]
    of = {one: next((cause for cause in causes if cause.explains(one)), one) for one in found}
    return {one: [other for other in found if of[other] == one != other] for one in found if of[one] == one}


def told(answers: Answers, alert: str, *labels: str) -> set[Key]:
    """Return the values of labels of an alert that fires."""
    return {key[1:] for key in answers.values("firing", "alertname", *labels) if key[0] == alert}
