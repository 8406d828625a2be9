import re
import subprocess
from pathlib import Path
from typing import Any

import promql_parser

from recwatch_local.tools import Tools

ANNOTATIONS = {"summary", "description", "recommendation", "runbook_url", "dashboard_url"}
SEVERITIES = {"info", "warning", "critical"}
NOBODYS = {"Watchdog"}
"""Nobody is told of these."""
# level:metric:operations, where a level is label names joined by underscores.
RECORDING = re.compile(r"[a-z_]+:[a-z_]+:[a-z0-9_]+")


def test_promtool_accepts_the_rules(folder: Path, tools: Tools) -> None:
    answer = subprocess.run(
        [tools.promtool, "check", "rules", "--lint=all", "--lint-fatal", *(folder / "rules").glob("*.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_rules_are_split_by_component_and_groups_named_after_the_file(
    folder: Path, groups: list[dict[str, Any]]
) -> None:
    """More groups come more seldom: a query finds values of 5 minutes, and copies are read as ranges."""
    stems = [file.name.removesuffix(".yml") for file in sorted((folder / "rules").iterdir())]
    intervals: dict[str, set[str]] = {"minute": set(), "slow": set(), "copies": set()}
    first = []
    for group in groups:
        stem, _, kind = group["name"].rpartition(".")
        if kind in intervals:
            intervals[kind].add(group["interval"])
            assert stem in stems
        else:
            first.append(group["name"])

    assert first == stems
    assert intervals == {"minute": {"1m"}, "slow": {"4m"}, "copies": {"20m"}}


def test_every_expression_parses(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        promql_parser.parse(rule["expr"])


def test_what_the_bridge_draws_parses_and_has_no_template(alerts: list[dict[str, Any]]) -> None:
    graphs = [alert["annotations"]["graph"] for alert in alerts if "graph" in alert["annotations"]]

    assert graphs
    for graph in graphs:
        assert "{{" not in graph
        promql_parser.parse(graph)


def test_recording_rules_are_named_level_metric_operations(rules: list[dict[str, Any]]) -> None:
    names = [rule["record"] for rule in rules if "record" in rule]
    series = [(rule["record"], *sorted(rule.get("labels", {}).items())) for rule in rules if "record" in rule]

    assert names
    assert [name for name in names if not RECORDING.fullmatch(name)] == []
    assert len(set(series)) == len(series)


def test_every_alert_waits_has_a_severity_and_says_what_to_do(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        assert "for" in alert, alert["alert"]
        severities = {"none"} if alert["alert"] in NOBODYS else SEVERITIES
        assert alert["labels"]["severity"] in severities, alert["alert"]
        assert set(alert["annotations"]) - {"action", "graph"} == ANNOTATIONS, alert["alert"]
        assert all(text.strip() for text in alert["annotations"].values()), alert["alert"]


def test_labels_are_escaped_in_the_links_of_alerts(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        printed = re.findall(r"{{ ((?:\$labels)?\.[^}]*) }}", alert["annotations"]["dashboard_url"])
        assert [each for each in printed if not each.endswith(" | urlquery")] == [], alert["alert"]


def test_runbooks_are_named_after_their_alerts_below_one_address(alerts: list[dict[str, Any]]) -> None:
    bases = set()
    for alert in alerts:
        base, _, page = alert["annotations"]["runbook_url"].rpartition("/")
        assert page == f"{alert['alert']}.md"
        bases.add(base)

    assert len(bases) == 1
