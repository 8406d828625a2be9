"""RecommenderNoRequests where traffic ends at the same time every week, looked at every five minutes."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools

STEP = 2
"""Minutes between two values."""
WEEK = 7 * 24 * 60 // STEP
RULES = {
    "service_model_outcome:recommender_requests:rate5m",
    "service_model:recommender_requests:rate5m",
    "service_model:recommender_requests:rate1h",
    "RecommenderNoRequests",
}
"""The alert and what it reads; the others would take a minute."""


def traffic(*parts: tuple[int, int]) -> str:
    """A counter in promtool's words: requests a step, for so many steps."""
    words, total = [], 0
    for each, steps in parts:
        words.append(f"{total}+{each}x{steps - 1}")
        total += each * steps
    return " ".join(words)


def names(rule: dict[str, Any]) -> set[str]:
    """What a rule is called."""
    return {rule.get("alert", ""), rule.get("record", "")}


@pytest.mark.parametrize(("a_week_ago", "fires"), [(0, False), (120, True)])
def test_what_was_as_quiet_a_week_ago_is_no_alarm(
    *, a_week_ago: int, fires: bool, tools: Tools, tmp_path: Path, groups: list[dict[str, Any]]
) -> None:
    hour = 60 // STEP
    values = traffic((120, 3 * hour), (a_week_ago, hour), (120, WEEK - hour), (0, hour))
    series = 'recommender_requests_total{service="shop", model="als", variant="default", outcome="success"}'
    quiet = (WEEK + 3 * hour) * STEP + 20
    firing = 'count(ALERTS{alertname="RecommenderNoRequests", alertstate="firing"})'
    test = {
        "interval": f"{STEP}m",
        "input_series": [{"series": series, "values": values}],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": f"{quiet}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }
    rules = [rule for group in groups for rule in group["rules"] if names(rule) & RULES]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": rules}]}))
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [test]}
    file = tmp_path / "quiet.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")

    assert {rule.get("alert") or rule["record"] for rule in rules} == RULES
    answer = subprocess.run(
        [tools.promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=240
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
