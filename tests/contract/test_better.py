"""Which metrics are better when they are lower: the recorded rule says it as `recwatch.better` does."""

import re
from typing import Any

import pytest

import recwatch.better
from recwatch.better import Better, better

_MATCHER = re.compile(r'metric(=~|!~)"([^"]*)"')
_SELECTOR = re.compile(r"training_metric\{([^}]*)\}")


@pytest.fixture(scope="module")
def selectors(rules: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """The matchers of `metric` in the two halves of the rule: more is better, less is better."""
    (rule,) = [
        rule for rule in rules if rule.get("record") == "service_model_metric:training_improvement:ratio"
    ]
    return [_MATCHER.findall(selector) for selector in _SELECTOR.findall(rule["expr"])]


def said_by_the_rule(name: str, selectors: list[list[tuple[str, str]]]) -> Better:
    higher, lower = (
        all((re.fullmatch(pattern, name) is not None) == (sign == "=~") for sign, pattern in matchers)
        for matchers in selectors
    )
    assert not (higher and lower), name
    return Better.HIGHER if higher else Better.LOWER if lower else Better.NEITHER


def test_the_rule_and_the_code_agree_on_every_word(selectors: list[list[tuple[str, str]]]) -> None:
    words = recwatch.better._HIGHER | recwatch.better._LOWER | recwatch.better._NEUTRAL
    forms = ("{}", "{}@10", "val_{}", "Val.{}", "x{}", "{}x", "{}_std", "{}-loss", "recall_{}", "rows_{}")
    names = [form.format(word) for word in sorted(words | {"trainloss", "rows"}) for form in forms]
    names += [name.upper() for name in names]

    assert {name: said_by_the_rule(name, selectors) for name in names} == {
        name: better(name) for name in names
    }
    assert {better(name) for name in names} == set(Better)
