"""The shipped inhibition rules in a real Alertmanager: every alert that the promtool tests expect."""

from collections.abc import Callable
from pathlib import Path

import yaml

Labels = dict[str, str]
Fire = Callable[[list[Labels]], list[Labels]]
DOWN = {"RecommenderDown", "DriftExporterDown", "BridgeDown", "TargetDown"}
BURNS = {"AvailabilityBudgetBurn", "LatencyBudgetBurn"}
ERRORS = {"RecommenderErrorRateHigh"}
FAILED = {"DriftCheckFailing", "TrainingFailed", "PipelineFailed"}
TWICE = {"RuleEvaluationFailing", "NotificationsFailing", "BridgeStoreErrors"}
"""A warning at first, a page where it goes on."""


def test_the_names_of_what_is_down_are_all_that_the_stack_has(alert_names: set[str], folder: Path) -> None:
    stack = yaml.safe_load((folder.parent / "prometheus" / "rules" / "stack.yml").read_text("utf-8"))
    ends = {rule["alert"] for group in stack["groups"] for rule in group["rules"]}

    assert {name for name in ends if name.endswith("Down")} == DOWN
    assert alert_names >= DOWN


def test_no_alert_of_the_pack_silences_itself(samples: list[Labels], held_back: Fire) -> None:
    alone = [
        {**labels, "service": str(number)}
        for number, labels in enumerate(samples)
        if labels["alertname"] != "NotificationsFailing"  # by BridgeDown of any service
    ]

    assert held_back(alone) == []


def test_nothing_silences_what_is_down_the_watchdog_or_what_starts_something(
    samples: list[Labels], held_back: Fire
) -> None:
    held = held_back(_on_one_service(samples))

    assert "RecommenderLatencyHigh" in {labels["alertname"] for labels in held}
    assert any("action" in labels for labels in samples)
    for labels in held:
        assert "action" not in labels
        assert labels["alertname"] not in {"Watchdog", *DOWN} or "instance" in labels
        assert "scope" not in labels


def test_nothing_else_silences_anything(samples: list[Labels], held_back: Fire) -> None:
    sources = DOWN | BURNS | FAILED | ERRORS | TWICE
    others = [labels for labels in samples if labels["alertname"] not in sources]

    assert held_back(_on_one_service(others)) == []


def _on_one_service(samples: list[Labels]) -> list[Labels]:
    given = [{**labels, "service": "recommender"} for labels in samples]
    return [labels for position, labels in enumerate(given) if labels not in given[:position]]
