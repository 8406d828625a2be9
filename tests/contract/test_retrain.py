"""Which drift starts a retraining: the check types say it, the rules repeat it."""

import re
from pathlib import Path

from recwatch_exporter.checks.table import TYPES

RULES = Path(__file__).parents[2] / "prometheus/rules/drift.yml"


def test_the_rules_retrain_for_the_types_that_retraining_answers() -> None:
    named = re.findall(r'type=~"([a-z0-9_|]+)"', RULES.read_text(encoding="utf-8"))

    assert len(named) == 2
    for types in named:
        assert sorted(types.split("|")) == sorted(name for name, kind in TYPES.items() if kind.retrain)
