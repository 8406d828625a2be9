"""No panel takes long over 30 days of 100 models: its queries read no more than Prometheus reads in a second.

Measured on Prometheus 3.5 with 100 series of random values, one every 15 s for 30 days (17 million): 0.43 s
of processor time at steps of an hour, 25 ns a sample. Series that seldom change take 15 ns.
"""

import math
from typing import Any, Protocol

import promql_parser
import pytest
import yaml

from recwatch_dashboards.queries import without_variables
from recwatch_rules.tree import parse, selectors

DAYS = 30
A_SECOND = 40_000_000
"""Samples that Prometheus reads in a second."""
SCRAPED = 15
SECONDS = {"s": 1, "m": 60}
# How many values a label has where 100 models are watched; a check speaks for one model.
VALUES = {
    "model": 100,
    "metric": 5,
    "variant": 2,
    "split": 3,
    "outcome": 3,
    "window": 2,
    "slo": 2,
    "instance": 2,
    "reranked": 2,
    "method": 2,
    "error": 2,
    "status": 3,
    "reason": 3,
    "route": 20,
    "pipeline": 10,
    "stage": 10,
    "sink": 3,
}
CHECKS = 500
TARGETS = 200
"""Processes that are scraped: two for each model."""
OF_HEALTH = ("model", "database", "disk", "memory")
# Present while something happens only, or where somebody set it for one model: seldom.
RARE = ("ALERTS", ":increase5m", "bridge_retrain_in_progress:max", "alert_model:threshold:used")


class Row(Protocol):
    """A row of docs/metrics.md; see the conftest."""

    type: str
    labels: tuple[str, ...]


@pytest.fixture(scope="module")
def intervals(root: Any) -> dict[str, int]:
    """Seconds between two samples of each recorded series."""
    settings = yaml.safe_load((root / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    found = {}
    for file in sorted((root / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            text = group.get("interval", settings["global"]["evaluation_interval"])
            for rule in group["rules"]:
                found[rule.get("record", "")] = int(text[:-1]) * SECONDS[text[-1]]
    return found


def _samples(expr: str, documented: dict[str, Row], intervals: dict[str, int], *, one_check: bool) -> float:
    """How many samples a query reads."""
    total = 0.0
    for selector in selectors(parse(without_variables(expr))):
        name = str(selector.name)
        if name not in documented and name.startswith(("up", "scrape_", "process_", "push_")):
            # Trainers push to one group for each model.
            total += (VALUES["model"] if name.startswith("push_") else TARGETS) * DAYS * 86_400 / SCRAPED
        if name not in documented or any(rare in name for rare in RARE):
            continue
        fixed = {
            matcher.name
            for matcher in selector.matchers.matchers
            if matcher.op == promql_parser.MatchOp.Equal
        }
        labels = set(documented[name].labels) - fixed
        if name.startswith("service_instance:"):
            series = float(TARGETS)
            labels.discard("instance")
        elif "health_" in name:
            # Not a drift check: each service has a few, of which a panel may choose one.
            chosen = {m.value for m in selector.matchers.matchers if m.name == "check"}
            chooses_check = bool(chosen - {".*"})
            series = float(VALUES["model"] * (1 if chooses_check else len(OF_HEALTH)))
        elif "check" in labels:
            series = 1 if one_check else CHECKS
            labels -= {"model", "check", "feature", "segment", "type"}
        else:
            series = 1
        if "model_variant_difference" in name:
            # An arm less the control arm, which has none itself.
            labels.discard("variant")
        if documented[name].type != "recorded" and "model" not in labels:
            labels.add("instance")
        series *= math.prod(VALUES.get(label, 1) for label in labels)
        # A type of check is one of five.
        series /= 5 if "type" in fixed and not one_check else 1
        total += series * DAYS * 86_400 / intervals.get(name, SCRAPED)
    return total


def test_no_panel_over_time_reads_more_than_a_second_of_samples(
    boards: dict[str, dict[str, Any]], documented: dict[str, Row], intervals: dict[str, int]
) -> None:
    costly = {}
    for name, board in boards.items():
        for panel in board["panels"]:
            one_check = "$check" in panel["title"]
            samples = sum(
                _samples(target["expr"], documented, intervals, one_check=one_check)
                for target in panel.get("targets", [])
                if target.get("range")
            )
            if samples > A_SECOND:
                costly[f"{name}: {panel['title']}"] = f"{samples:,.0f}"
        for mark in board["annotations"]["list"]:
            assert _samples(mark["expr"], documented, intervals, one_check=False) <= A_SECOND, mark["name"]
    assert costly == {}
