"""The pack as its files have it: groups of rules, and what else stands beside them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from recwatch_rules.errors import RulesError

__all__ = ["COMPONENTS", "Alert", "Threshold", "alerts", "read_groups", "read_thresholds"]

COMPONENTS = ("service", "slo", "drift", "quality", "training", "pipelines", "stack")
"""In the order in which they are listed; others follow."""
_THRESHOLD = re.compile(
    r"record: alert:threshold:default, labels: {alert: (?P<alert>\w+)(?P<labels>[^}]*)}, "
    r"expr: vector\((?P<value>[^)]+)\)}(?: # (?P<unit>.*))?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Threshold:
    """A threshold of the pack.

    Attributes:
        value: as it is written.
        unit: what the comment beside it says.
        by_model: whether a model may have another.
    """

    value: str
    unit: str
    by_model: bool = False


@dataclass(frozen=True)
class Alert:
    """An alert, which may have several rules.

    Attributes:
        name: of the alert.
        component: the file that it stands in.
        rules: in the order of the file.
    """

    name: str
    component: str
    rules: tuple[dict[str, Any], ...]

    def values(self, *keys: str) -> list[str]:
        """What stands below a path of keys in each rule, each once; empty where it is not there."""
        found: list[str] = []
        for rule in self.rules:
            value: Any = rule
            for key in keys:
                value = value.get(key, "") if isinstance(value, dict) else ""
            if str(value) not in found:
                found.append(str(value))
        return found


def read_groups(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The groups of every file of rules, by its name without `.yml`.

    Raises:
        RulesError: where the folder has none, or a file is no file of rules.
    """
    found = {}
    for file in sorted(folder.glob("*.yml")):
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise RulesError(f"{file}: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("groups"), list):
            raise RulesError(f"{file}: `groups` is missing: is it a file of rules?")
        found[file.stem] = document["groups"]
    if not found:
        raise RulesError(
            f"{folder}: no file of rules (*.yml) is there: write --root FOLDER before the command"
        )
    return found


def alerts(groups: dict[str, list[dict[str, Any]]]) -> list[Alert]:
    """Every alert, by component and then as the files have them."""
    rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for component in sorted(groups, key=_place):
        for rule in _rules(groups[component]):
            if "alert" in rule:
                rules.setdefault((component, rule["alert"]), []).append(rule)
    return [Alert(name, component, tuple(found)) for (component, name), found in rules.items()]


def read_thresholds(file: Path) -> dict[str, Threshold]:
    """The pack's thresholds, by alert.

    Raises:
        RulesError: where one has no comment that says its unit.
    """
    found = {}
    for match in _THRESHOLD.finditer(file.read_text(encoding="utf-8")):
        if not match["unit"]:
            raise RulesError(f"{file}: {match['alert']} has no unit: write it as a comment on the same line")
        found[match["alert"]] = Threshold(match["value"], match["unit"], "by: model" in match["labels"])
    return found


def _rules(groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for group in groups:
        yield from group["rules"]


def _place(component: str) -> tuple[int, str]:
    known = component in COMPONENTS
    return (COMPONENTS.index(component) if known else len(COMPONENTS), component)
