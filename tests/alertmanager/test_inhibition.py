"""Reads the inhibition rules as Alertmanager does (its documentation, `inhibit_rule`)."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

_MATCHER = re.compile(r'(?P<name>\w+)(?P<operator>=~|!~|!=|=)"(?P<value>.*)"')

Labels = Mapping[str, str]


def matches(labels: Labels, matchers: list[str]) -> bool:
    def one(text: str) -> bool:
        match = _MATCHER.fullmatch(text)
        assert match is not None, text
        value = labels.get(match["name"], "")
        if match["operator"].endswith("~"):
            same = re.fullmatch(match["value"], value) is not None
        else:
            same = value == match["value"]
        return same is not match["operator"].startswith("!")

    return all(one(text) for text in matchers)


def inhibits(config: dict[str, Any], source: Labels, target: Labels) -> bool:
    return any(
        matches(source, rule["source_matchers"])
        and matches(target, rule["target_matchers"])
        and all(source.get(label, "") == target.get(label, "") for label in rule["equal"])
        for rule in config["inhibit_rules"]
    )


@pytest.fixture
def by_name(samples: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {labels["alertname"]: labels for labels in samples}


@pytest.mark.parametrize(
    ("down", "symptom"),
    [
        ("RecommenderDown", "RecommenderErrorRateHigh"),
        ("RecommenderDown", "RecommenderLatencyHigh"),
        ("RecommenderDown", "RecommenderFallbackRateHigh"),
        ("DriftExporterDown", "DriftDetected"),
        ("DriftExporterDown", "DriftCheckFailing"),
        ("DriftExporterDown", "DriftCheckSilent"),
    ],
)
def test_a_service_that_is_down_silences_its_symptoms(
    down: str, symptom: str, config: dict[str, Any], by_name: dict[str, dict[str, str]]
) -> None:
    assert inhibits(config, by_name[down], by_name[symptom])
    assert not inhibits(config, by_name[down], {**by_name[symptom], "service": "another"})
    assert not inhibits(config, by_name[symptom], by_name[down])


def test_down_never_silences_down(config: dict[str, Any], by_name: dict[str, dict[str, str]]) -> None:
    down = [labels for name, labels in by_name.items() if name.endswith("Down")]

    assert len(down) == 3
    assert not any(inhibits(config, source, target) for source in down for target in down)


def test_an_alert_without_service_is_never_silenced(
    config: dict[str, Any], by_name: dict[str, dict[str, str]]
) -> None:
    source = {key: value for key, value in by_name["RecommenderDown"].items() if key != "service"}

    assert not inhibits(config, source, {"alertname": "Theirs", "severity": "warning"})


def test_a_failing_check_is_not_told_as_silent_too(
    config: dict[str, Any], by_name: dict[str, dict[str, str]]
) -> None:
    failing = {**by_name["DriftCheckFailing"], "check": "titles"}

    assert inhibits(config, failing, {**by_name["DriftCheckSilent"], "check": "titles"})
    assert not inhibits(config, failing, {**by_name["DriftCheckSilent"], "check": "ratings"})
