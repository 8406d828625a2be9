"""Lints of rule groups: what promtool accepts and is wrong all the same."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recwatch_rules import lint_labels, lint_values
from recwatch_rules.known import Known
from recwatch_rules.tree import parse

LINTS = (
    lint_values.rates_of_gauges,
    lint_values.short_ranges,
    lint_values.seldom_values,
    lint_values.unguarded_divisions,
    lint_labels.never_matching,
)
"""Of every expression; what an alert loses comes on top."""


def check(groups: Iterable[Mapping[str, Any]], known: Known) -> Iterator[str]:
    """Lint rules.

    Args:
        groups: the rule groups of one or more files, as YAML has them.
        known: the metrics that they read.

    Yields:
        A line for each fault, with the rule's name first.
    """
    for group in groups:
        for rule in group["rules"]:
            name = rule.get("alert") or rule.get("record")
            yield from (f"{name}: {fault}" for fault in _faults(rule, known))


def _faults(rule: Mapping[str, Any], known: Known) -> Iterator[str]:
    node = parse(rule["expr"])
    for lint in LINTS:
        yield from lint(node, known)
    if "alert" in rule:
        yield from lint_labels.lost_labels(node, known, frozenset(rule.get("labels", {})))
