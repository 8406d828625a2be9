import pytest

from recwatch_rules.errors import RulesError
from recwatch_rules.pack import Alert, Threshold
from recwatch_rules.table import BEGIN, END, first_sentence, put, table

RUNBOOK = """# Slow

## What it means

Over 5 minutes an answer took more than 0.25 s
([how](../drift.md)). More than that. And more.

Another paragraph.

## What a user feels
"""


def alert(name: str, *rules: dict[str, str]) -> Alert:
    found = tuple(
        {
            "alert": name,
            "for": rule["for"],
            "labels": {key: rule[key] for key in ("severity", "action") if key in rule},
        }
        for rule in rules
    )
    return Alert(name, "service", found)


def test_a_row_says_what_the_rule_and_the_first_sentence_say() -> None:
    rows = table(
        [alert("Slow", {"for": "2m", "severity": "warning"})],
        {"Slow": RUNBOOK},
        {"Slow": Threshold("0.25", "seconds", by_model=True)},
    )

    assert rows.splitlines()[2] == (
        "| Slow | Over 5 minutes an answer took more than 0.25 s ([how](drift.md)) "
        "| 2m | warning | | 0.25 (seconds) | yes | [page](runbooks/Slow.md) |"
    )


def test_what_differs_between_the_rules_of_an_alert_is_told() -> None:
    several = alert(
        "Slow",
        {"for": "2m", "severity": "critical", "action": "retrain"},
        {"for": "15m", "severity": "critical"},
    )

    row = table([several], {"Slow": RUNBOOK}, {}).splitlines()[2]

    assert row.endswith("| 2m, 15m | critical | retrain or none | | | [page](runbooks/Slow.md) |")


def test_an_annotation_that_may_say_wait_makes_an_action_conditional() -> None:
    one = alert("Slow", {"for": "2m", "severity": "info", "action": "retrain"})
    one.rules[0]["annotations"] = {"action": "{{ if eq $value 0.0 }}wait{{ else }}act{{ end }}"}

    row = table([one], {"Slow": RUNBOOK}, {}).splitlines()[2]

    assert row.endswith("| 2m | info | retrain or none | | | [page](runbooks/Slow.md) |")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Above 0.5 s. Then more.", "Above 0.5 s"),
        ("It fires at once; `x` is 1.", "It fires at once; `x` is 1"),
        ("More than 5 min. of it. `y` too.", "More than 5 min. of it"),
        ("One of a.b.c is down.\n\nMore.", "One of a.b.c is down"),
    ],
)
def test_a_sentence_ends_where_the_next_begins(text: str, sentence: str) -> None:
    assert first_sentence("Slow", f"# Slow\n\n## What it means\n\n{text}\n") == sentence


def test_a_runbook_that_is_missing_or_says_nothing_is_named() -> None:
    with pytest.raises(RulesError, match=r"docs/runbooks/Slow\.md is missing"):
        table([alert("Slow", {"for": "1m", "severity": "info"})], {}, {})
    with pytest.raises(RulesError, match=r"docs/runbooks/Slow\.md: no sentence"):
        first_sentence("Slow", "# Slow\n\n## What it means\n\n## What a user feels\n")


def test_rows_take_the_place_of_those_between_the_marks() -> None:
    page = f"Before\n\n{BEGIN}\n\nold\n\n{END}\nAfter\n"

    once = put(page, "new\n")

    assert once == f"Before\n\n{BEGIN}\n\nnew\n\n{END}\nAfter\n"
    assert put(once, "new\n") == once


@pytest.mark.parametrize(
    "page", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}"]
)
def test_a_page_without_both_marks_is_refused(page: str) -> None:
    with pytest.raises(RulesError, match="once each"):
        put(page, "new\n")
