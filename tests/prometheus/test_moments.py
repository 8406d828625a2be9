"""Every rule is seen silent just before it fires and silent again later, whatever its tests are called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser
import pytest

COARSEST = timedelta(minutes=4)
"""The slowest group of alerts. A file evaluated less often does not see when a `for` is shortened."""

_ALERTS = re.compile(r"(count(?: by \([\w, ]+\))? ?\()?ALERTS\{([^}!~]*)\}\)?")
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Labels = dict[str, str]


@dataclass(frozen=True)
class Moment:
    """What a test says of the alerts of one name at one time."""

    at: timedelta
    about: Labels
    """The labels asked for; of alerts with others it says nothing."""
    firing: list[Labels]
    counted: bool = False
    """Then what fires has not all of its labels."""


def lacking(rules: list[dict[str, Any]], files: dict[str, Any]) -> list[str]:
    """What the tests of these files do not show of which rule."""
    found = []
    for rule in rules:
        if rule.get("for", "0m") != "0m":
            siblings = [each["labels"] for each in rules if each["alert"] == rule["alert"]]
            if fault := _fault(rule, siblings, files):
                found.append(f"{rule['alert']} {rule['labels']}: {fault}")
    return found


def _fault(rule: dict[str, Any], siblings: list[Labels], files: dict[str, Any]) -> str:
    nearest = []
    for name, document in files.items():
        step = min(_duration(document["evaluation_interval"]), COARSEST)
        for test in document["tests"]:
            moments = list(_moments(test, rule["alert"]))
            nearest += [
                (gap - step, f"{gap} before it fires ({name}: {test['name']})")
                for alert in _alerts_of(rule["labels"], siblings, moments)
                for gap in _gaps(alert, siblings, moments)
            ]
    if not nearest:
        return "nowhere silent, firing and silent again"
    beyond, where = min(nearest)
    return f"silent no less than {where}" if beyond > timedelta() else ""


def _moments(test: dict[str, Any], name: str) -> Iterator[Moment]:
    for case in test.get("alert_rule_test", []):
        if case["alertname"] == name:
            firing = [each["exp_labels"] for each in case.get("exp_alerts") or []]
            yield Moment(_duration(case["eval_time"]), {}, firing)
    for case in test.get("promql_expr_test", []):
        if asked := _ALERTS.fullmatch(case["expr"]):
            about = dict(_LABEL.findall(asked[2]))
            if about.pop("alertname", None) == name and about.pop("alertstate", None) == "firing":
                samples = [dict(_LABEL.findall(each["labels"])) for each in case.get("exp_samples") or []]
                firing = [
                    about | {label: sample[label] for label in sample.keys() - {"alertname", "alertstate"}}
                    for sample in samples
                ]
                yield Moment(_duration(case["eval_time"]), about, firing, counted=bool(asked[1]))


def _alerts_of(own: Labels, siblings: list[Labels], moments: list[Moment]) -> list[Labels]:
    """The alerts that hold the labels of this rule, and of no other of its name that sets more."""
    richer = [labels for labels in siblings if len(labels) > len(own)]
    return [
        alert
        for moment in moments
        for alert in moment.firing
        if own.items() <= alert.items() and not any(labels.items() <= alert.items() for labels in richer)
    ]


def _gaps(alert: Labels, siblings: list[Labels], moments: list[Moment]) -> Iterator[timedelta]:
    """From each silent moment to each firing one after it, where a silent one follows."""
    said = [(moment.at, _fires(alert, siblings, moment)) for moment in moments]
    silent = [at for at, fires in said if fires is False]
    for at, fires in said:
        if fires and at < max(silent, default=at):
            yield from (at - before for before in silent if before < at)


def _fires(alert: Labels, siblings: list[Labels], moment: Moment) -> bool | None:
    """None where the moment does not tell, as where alerts are counted over two rules of a name."""
    if not moment.about.items() <= alert.items():
        return None
    if not moment.counted:
        return alert in moment.firing
    fitting = [labels for labels in moment.firing if labels.items() <= alert.items()]
    return any(_of_one(labels, siblings) for labels in fitting) or (None if fitting else False)


def _of_one(labels: Labels, siblings: list[Labels]) -> bool:
    possible = [
        each for each in siblings if all(labels.get(label, value) == value for label, value in each.items())
    ]
    return len(possible) == 1


def _duration(text: str) -> timedelta:
    return timedelta() if text in {"0", "0s", "0m"} else promql_parser.parse_duration(text)


def test_every_rule_is_silent_just_before_it_fires_and_later_again(
    alerts: list[dict[str, Any]], promtool_files: dict[str, dict[str, Any]]
) -> None:
    assert "\n".join(lacking(alerts, promtool_files)) == ""


RULES = [
    {"alert": "Slow", "for": "5m", "labels": {"severity": "critical"}},
    {"alert": "Slow", "for": "1h", "labels": {"severity": "critical", "type": "long"}},
    {"alert": "Watchdog", "for": "0m", "labels": {"severity": "none"}},
]
SHORT = {"severity": "critical", "model": "als"}
LONG = SHORT | {"type": "long"}
OTHER = SHORT | {"model": "bpr"}


def files(*cases: tuple[str, list[Labels]], interval: str = "1m", **queries: tuple[str, list[str]]) -> Any:
    """One file with one test: what fires at which time, and what is asked at which ("m9": query, samples)."""
    test = {
        "name": "t",
        "alert_rule_test": [
            {"eval_time": at, "alertname": "Slow", "exp_alerts": [{"exp_labels": each} for each in firing]}
            for at, firing in cases
        ],
        "promql_expr_test": [
            {"eval_time": f"{at[1:]}m", "expr": expr, "exp_samples": [{"labels": each} for each in samples]}
            for at, (expr, samples) in queries.items()
        ],
    }
    return {"slow.yml": {"evaluation_interval": interval, "tests": [test]}}


def of_short(files: dict[str, Any]) -> str:
    """What is lacking of the first rule."""
    rule, *_ = RULES
    own = f"Slow {rule['labels']}: "
    return next((each.removeprefix(own) for each in lacking(RULES, files) if each.startswith(own)), "")


def test_nothing_is_lacking_where_every_rule_is_silent_an_interval_before_it_fires() -> None:
    found = files(("9m", []), ("10m", [SHORT]), ("69m", [SHORT]), ("70m", [SHORT, LONG]), ("80m", []))

    assert lacking(RULES, found) == []


@pytest.mark.parametrize(
    "found",
    [
        files(),
        files(("9m", []), ("10m", [SHORT])),
        files(("10m", [SHORT]), ("20m", [])),
        # The other rule's alert, and the same rule's of another model.
        files(("9m", []), ("10m", [LONG]), ("20m", [])),
        files(("9m", [SHORT]), ("10m", [SHORT, LONG]), ("20m", [])),
    ],
)
def test_a_rule_that_is_never_silent_before_and_after_is_named(found: dict[str, Any]) -> None:
    assert of_short(found) == "nowhere silent, firing and silent again"


def test_silence_that_lies_further_back_than_an_interval_is_not_enough() -> None:
    def found(before: str, interval: str) -> str:
        return of_short(files((before, []), ("60m", [SHORT]), ("90m", []), interval=interval))

    assert found("58m", "1m") == "silent no less than 0:02:00 before it fires (slow.yml: t)"
    assert found("58m", "2m") == ""
    # So rarely evaluated, a shorter `for` would look the same.
    assert found("30m", "30m") == "silent no less than 0:30:00 before it fires (slow.yml: t)"


def test_each_alert_of_a_rule_has_a_silence_of_its_own() -> None:
    assert of_short(files(("9m", [OTHER]), ("10m", [OTHER, SHORT]), ("20m", [OTHER]))) == ""
    assert of_short(files(("9m", [SHORT]), ("10m", [SHORT]), ("20m", [OTHER]))) != ""


FIRING = 'ALERTS{alertname="Slow", alertstate="firing"}'


@pytest.mark.parametrize(
    ("query", "samples", "enough"),
    [
        (FIRING, [], True),
        (f"count by (model) ({FIRING})", ['{model="bpr"}'], True),
        (f"count by (model) ({FIRING})", ['{model="als"}'], False),
        (f"count by (type) ({FIRING})", ['{type="long"}'], True),
        # Of another model, of another state, of a span of time, of any name.
        ('count(ALERTS{alertname="Slow", alertstate="firing", model="bpr"})', [], False),
        ('ALERTS{alertname="Slow", alertstate="pending"}', [], False),
        (f"count_over_time({FIRING}[5m])", [], False),
        ('ALERTS{alertname="Slow", alertstate="firing", model!="als"}', [], False),
        ('ALERTS{alertstate="firing"}', [], False),
    ],
)
def test_what_is_asked_of_alerts_tells_as_well(query: str, samples: list[str], *, enough: bool) -> None:
    assert (of_short(files(("10m", [SHORT]), ("20m", []), m9=(query, samples))) == "") is enough
