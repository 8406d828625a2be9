import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}


def start(*argv: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "recwatch.cli", *argv],
        env=ENVIRONMENT | {"RECWATCH_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("runs")
def test_as_a_process(home: Path) -> None:
    answer = start("runs", "--json", "--limit", "1", home=home)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(json.loads(answer.stdout)) == 1


def test_a_failure_is_one_line_and_exit_code_1(home: Path) -> None:
    answer = start("runs", home=home)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("recwatch: there is no store at ")
    assert answer.stderr.count("\n") == 1


def test_a_command_line_without_sense_is_exit_code_2(home: Path) -> None:
    answer = start("run", home=home)
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)


@pytest.mark.usefixtures("runs")
def test_a_reader_that_has_seen_enough_is_no_failure(home: Path) -> None:
    command = [sys.executable, "-m", "recwatch.cli", "runs"]
    with subprocess.Popen(
        command,
        env=ENVIRONMENT | {"RECWATCH_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, "")


@pytest.mark.usefixtures("runs")
def test_a_terminal_in_ascii_gets_escapes(home: Path) -> None:
    answer = start("run", "als_20250118_031500_5d0c1e", home=home, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert answer.returncode == 0
    assert "\\u2588" in answer.stdout


@pytest.mark.usefixtures("runs")
def test_lines_in_a_pipe_are_whole_and_without_colours(recwatch: Command) -> None:
    answer = recwatch("runs")
    assert "\x1b" not in answer.out
    assert all(len(line) > 100 for line in answer.out.splitlines())


def test_help_is_there_for_every_command(recwatch: Command) -> None:
    for argv in (["--help"], ["runs", "--help"], ["models", "--help"], ["models", "promote", "--help"]):
        answer = recwatch(*argv)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith("usage: recwatch")


def test_help_names_no_file_that_an_installation_lacks(recwatch: Command) -> None:
    answer = recwatch("--help")
    assert "docs/" not in answer.out
    assert "recwatch COMMAND --help" in " ".join(answer.out.split())
