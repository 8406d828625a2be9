"""Every alert has a runbook that can be followed and a row in docs/alerts.md, and nothing else has."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from recwatch_local.paths import ROOT
from recwatch_rules.main import main as recwatch_rules

HEADINGS = [
    "What it means",
    "What a user feels",
    "Look first",
    "Usual causes",
    "What to do",
    "How to silence it",
    "How to change it",
]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
_QUERY = re.compile(r"```promql\n(.*?)\n\s*```", re.DOTALL)
_METRIC = re.compile(r"\b(?:[a-z_]+:)?(?:http|recwatch|recommender|training|drift|bridge)_[a-z_]+(?::\w+)?\b")


def test_runbooks_and_alerts_are_the_same(alerts: list[dict[str, Any]]) -> None:
    assert {file.stem for file in RUNBOOKS} == {alert["alert"] for alert in alerts}


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_every_runbook_answers_the_same_questions(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# {file.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    sections = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(section.strip() for section in sections)
    assert f"alertname={file.stem}" in text


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_its_queries_parse_and_read_metrics_that_exist(file: Path, documented: dict[str, Any]) -> None:
    queries = _QUERY.findall(file.read_text(encoding="utf-8"))
    assert len(queries) >= 3
    for query in queries:
        promql_parser.parse(query.strip())
        for name in _METRIC.findall(query):
            stem = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in documented or stem in documented, f"{name} is no metric"


def test_the_table_is_what_the_rules_and_runbooks_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert recwatch_rules(["--root", str(ROOT), "table", "--check"]) == 0, capsys.readouterr().out


def test_every_dashboard_link_leads_to_a_dashboard(
    alerts: list[dict[str, Any]], boards: dict[str, dict[str, Any]]
) -> None:
    uids = {board["uid"] for board in boards.values()}
    for alert in alerts:
        (uid,) = re.findall(r"/d/([\w-]+)", alert["annotations"]["dashboard_url"])
        assert uid in uids, alert["alert"]
