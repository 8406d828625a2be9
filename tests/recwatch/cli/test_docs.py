"""docs/cli.md names every command and option, and shows what they really say."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recwatch.cli.parser import create_parser
from recwatch.registry import ModelRegistry
from recwatch_local.paths import ROOT

Command = Callable[..., Any]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
_SESSION = re.compile(r"```console\n(.*?)```", re.DOTALL)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


ALL = list(parsers(create_parser()))


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.prog)
def test_every_command_and_option_is_explained(parser: argparse.ArgumentParser) -> None:
    if not any(isinstance(action, argparse._SubParsersAction) for action in parser._actions):
        assert f"`{parser.prog}" in PAGE
        assert f"$ {parser.prog} " in f"{PAGE} ".replace("\n", " ")
    for action in parser._actions:
        for option in action.option_strings:
            assert re.search(rf"`(-\w, )?{option}[ `,]", PAGE), option


def test_every_option_on_the_page_exists() -> None:
    known = {option for parser in ALL for action in parser._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) - known == set()


@pytest.mark.usefixtures("runs", "models")
def test_the_page_shows_what_the_command_says(recwatch: Command) -> None:
    shown, said = [], []
    for session in _SESSION.findall(PAGE):
        for block in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            line, _, output = block.partition("\n")
            answer = recwatch(*shlex.split(line)[1:])
            shown.append((line, output.rstrip()))
            said.append((line, "\n".join(map(str.rstrip, (answer.out + answer.err).splitlines()))))
    assert shown == said


def test_the_page_s_python_runs(home: Path) -> None:
    [code] = _PYTHON.findall(PAGE)
    exec(code, {})  # noqa: S102 - our own page
    registry = ModelRegistry(home / "artifacts" / "bpr")
    assert registry.current() == registry.versions()[0]
