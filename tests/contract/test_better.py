"""Which metrics are better when they are lower: the recorded rule says it as `recwatch.better` does."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

import recwatch.better
from recwatch.better import Better, better

_NAMES = re.compile(r'metric=~"([^"]*)"')


@dataclass(frozen=True)
class Patterns:
    """Which names the rule takes for better when higher, when lower, and for no measure of quality."""

    higher: str
    lower: str
    neutral: str

    def said_of(self, name: str) -> Better:
        higher, lower, neutral = (
            re.fullmatch(one, name) is not None for one in (self.higher, self.lower, self.neutral)
        )
        if neutral or not (higher or lower):
            return Better.NEITHER
        return Better.LOWER if lower else Better.HIGHER


@pytest.fixture(scope="module")
def patterns(rules: list[dict[str, Any]]) -> Patterns:
    """Of the rule: what is higher unless it is lower, or lower, unless it is neither."""
    (rule,) = [
        rule for rule in rules if rule.get("record") == "service_model_metric:training_improvement:ratio"
    ]
    higher, unless_lower, lower, unless_neutral = _NAMES.findall(rule["expr"])
    assert unless_lower == lower
    return Patterns(higher, lower, unless_neutral)


def test_the_rule_and_the_code_agree_on_every_word(patterns: Patterns) -> None:
    words = recwatch.better._HIGHER | recwatch.better._LOWER | recwatch.better._NEUTRAL
    forms = ("{}", "{}@10", "val_{}", "Val.{}", "x{}", "{}x", "{}_std", "{}-loss", "recall_{}", "rows_{}")
    names = [form.format(word) for word in sorted(words | {"trainloss", "rows"}) for form in forms]
    names += [name.upper() for name in names]

    assert {name: patterns.said_of(name) for name in names} == {name: better(name) for name in names}
    assert {better(name) for name in names} == set(Better)
