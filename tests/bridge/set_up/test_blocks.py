"""Every block is short, is in the list of what is tested, and is what README shows."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
MOST_LINES = 20
TESTED = {
    "": "every test",
    "Email": "test_sinks.py",
    "Slack": "test_sinks.py",
    "Alertmanager": "test_alertmanager.py",
    "A trainer: a command": "test_models.py",
    "A trainer: a Celery task": "test_trainers.py",
    "A trainer: GitHub Actions": "test_trainers.py",
    "A trainer: Airflow": "test_trainers.py",
    "A trainer: a service of your own": "test_trainers.py",
    "A person's approval": "test_models.py",
    "Rollback and watch": "test_models.py",
    "People": "test_people.py",
    "PostgreSQL and two bridges": "test_two_bridges.py",
}


def test_each_is_short_and_tested(blocks: Any) -> None:
    assert set(blocks) == set(TESTED)
    lengths = [len(text.splitlines()) for shown in blocks.values() for _, text in shown]
    assert len(lengths) >= len(TESTED)
    assert max(lengths) < MOST_LINES


def test_readme_shows_the_same(blocks: Any) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    shown, others = [yaml.safe_load(block) for block in found]
    email, slack, command = (
        yaml.safe_load(blocks[heading][0][1]) for heading in ("Email", "Slack", "A trainer: a command")
    )
    assert shown["sinks"] == {**email["sinks"], **slack["sinks"]}
    assert shown["models"] == command["models"]
    assert max(len(block.splitlines()) for block in found) < MOST_LINES
    told = [
        yaml.safe_load(blocks[heading][0][1])["models"]["als"]["launcher"]
        for heading in ("A trainer: a Celery task", "A trainer: GitHub Actions", "A trainer: Airflow")
    ]
    assert [model["launcher"] for model in others["models"].values()] == told
    approval = yaml.safe_load(blocks["A person's approval"][0][1])
    assert others["external_url"] == approval["external_url"]
    assert others["models"]["als"]["approval"] == approval["models"]["als"]["approval"]
