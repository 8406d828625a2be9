"""What runbooks tell a person to do can be done: commands parse, SQL runs, addresses and headings exist."""

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from recwatch.cli.parser import create_parser as recwatch
from recwatch.store import open_store
from recwatch_bridge.main import create_parser as bridge
from recwatch_exporter.main import create_parser as exporter
from recwatch_local.paths import ROOT
from recwatch_rules.main import create_parser as rules_parser

PARSERS: dict[str, Callable[[], ArgumentParser]] = {
    "recwatch": recwatch,
    "recwatch-bridge": bridge,
    "recwatch-exporter": exporter,
    "recwatch-rules": rules_parser,
}
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
BY_HAND = ROOT / "docs" / "by-hand.md"
_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?:    |       )(\w.*(?:\\\n.*)*)$", re.MULTILINE)
_TICKED = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(recwatch(?:-\w+)?) ")
_LINK = re.compile(r"\]\(([\w./-]*\.md)#([\w-]+)\)")
_BRIDGE = re.compile(r"http://127\.0\.0\.1:9095(/\S+)|`(?:GET|POST) (/(?:retrain|api)/[^`\s]+)`")
_ADVICE = {
    "roll-back": re.compile(r"\broll(?:ing)? back\b", re.IGNORECASE),
    "retrain": re.compile(r"\bretrain by hand\b|\btrain again\b|\bstart a (?:re)?training\b", re.IGNORECASE),
    "hold": re.compile(r"\bhold retraining|\bkeeps the alert from\b", re.IGNORECASE),
}


def _written(page: str) -> Iterator[str]:
    """Everything in backticks or blocks; blocks of PromQL are other tests'."""
    for language, block in _FENCED.findall(page):
        if language != "promql":
            yield from block.replace("\\\n", " ").splitlines()
    rest = _FENCED.sub("", page)
    for block in _INDENTED.findall(rest):
        yield block.replace("\\\n", " ")
    yield from _TICKED.findall(rest)


WRITTEN = [
    (file.stem, written.strip())
    for file in (*RUNBOOKS, BY_HAND)
    for written in _written(file.read_text(encoding="utf-8"))
]
COMMANDS = sorted({(place, said) for place, said in WRITTEN if _COMMAND.match(said)})
STATEMENTS = sorted({(place, said) for place, said in WRITTEN if said.startswith("SELECT ")})


def _page(file: Path) -> Any:
    return pytest.param(file, id=file.stem)


def _check(command: str) -> None:
    program, *arguments = shlex.split(command)
    PARSERS[program]().parse_args(arguments)


@pytest.mark.parametrize(("place", "command"), COMMANDS)
def test_a_command_is_one(place: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        _check(command)
    except SystemExit:
        pytest.fail(f"{place}: {capsys.readouterr().err}")


def test_commands_that_alerts_name_are_some(
    alerts: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        (alert["alert"], said)
        for alert in alerts
        for annotation in alert["annotations"].values()
        for said in _TICKED.findall(annotation)
        if _COMMAND.match(said)
    ]
    assert found
    for name, command in found:
        try:
            _check(command)
        except SystemExit:
            pytest.fail(f"{name}: {capsys.readouterr().err}")


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/store.db"
    open_store(url).close()
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(("place", "statement"), STATEMENTS)
def test_a_statement_runs_on_an_empty_store(place: str, statement: str, empty_store: Engine) -> None:
    with empty_store.connect() as connection:
        assert connection.execute(text(statement)).keys(), place


def test_commands_and_statements_are_found() -> None:
    assert {command.split()[0] for _, command in COMMANDS} >= {
        "recwatch",
        "recwatch-bridge",
        "recwatch-exporter",
    }
    assert "TrainingFailed" in dict(STATEMENTS)


@pytest.mark.parametrize("file", [_page(file) for file in (*RUNBOOKS, BY_HAND)])
def test_addresses_of_the_bridge_are_its_paths(file: Path) -> None:
    reference = (ROOT / "docs" / "bridge-reference.md").read_text(encoding="utf-8")
    for found in _BRIDGE.finditer(file.read_text(encoding="utf-8")):
        path = (found[1] or found[2]).rstrip("`.,")
        generic = re.sub(r"\bals\b|\bNAME\b", "{model}", path).replace("RUN_ID", "{id}")
        parts = [generic, re.sub(r"^.*/", ".../", generic), generic.removeprefix("/api/v1")]
        assert any(part in reference for part in parts), f"the bridge has no {path}"


@pytest.mark.parametrize("file", [_page(file) for file in (*RUNBOOKS, BY_HAND)])
def test_links_to_a_heading_find_it(file: Path) -> None:
    for target, anchor in _LINK.findall(file.read_text(encoding="utf-8")):
        page = (file.parent / target).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, f"{target} has no #{anchor}"


@pytest.mark.parametrize("file", [_page(file) for file in RUNBOOKS])
def test_what_is_advised_is_a_link_to_its_command(file: Path) -> None:
    page = file.read_text(encoding="utf-8")
    done = page.split("## What to do")[1].split("## How to change it")[0]
    for anchor, advice in _ADVICE.items():
        if advice.search(done):
            assert f"(../by-hand.md#{anchor})" in done, f"it says {advice.pattern}, not how"


def test_no_page_asks_prometheus_for_what_it_is_not_started_with() -> None:
    started = (ROOT / "local" / "recwatch_local" / "programs.py", ROOT / "docker-compose.yml")
    assert not any("--web.enable-lifecycle" in file.read_text(encoding="utf-8") for file in started)
    for file in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("prometheus/**/*.md")):
        assert ":9090/-/reload" not in file.read_text(encoding="utf-8"), file


def test_every_make_command_of_a_page_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for file in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("prometheus/**/*.md"), ROOT / "README.md"):
        named = re.findall(r"(?:`|^    )make ([a-z-]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, file
