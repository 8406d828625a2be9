"""Which drift starts a retraining: the check types say it, the rules and the runbook repeat it."""

import re
from pathlib import Path

from recwatch_exporter.checks.table import TYPES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus/rules/drift.yml"
RUNBOOK = ROOT / "docs/runbooks/DriftDetected.md"


def test_the_rules_retrain_for_the_types_that_retraining_answers() -> None:
    named = re.findall(r'type=~"([a-z0-9_|]+)"', RULES.read_text(encoding="utf-8"))

    assert len(named) == 2
    for types in named:
        assert sorted(types.split("|")) == sorted(name for name, kind in TYPES.items() if kind.retrain)


def test_the_runbook_says_what_to_do_where_retraining_is_no_answer() -> None:
    steps = re.findall(r"^\d\. Types? ([^:]+):", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)

    named = [name for step in steps for name in re.findall(r"`(\w+)`", step)]
    assert sorted(named) == sorted(name for name, kind in TYPES.items() if not kind.retrain)
