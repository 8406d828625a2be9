"""The quickstart of docs/drift.md and examples/drift/ do what they show."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from recwatch.testing import free_port, wait_until

_COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ |```).+\n)*)", re.MULTILINE)


@pytest.fixture
def page(root: Path) -> str:
    text = (root / "docs/drift.md").read_text(encoding="utf-8")
    return text.partition("## Quickstart\n")[2].partition("\n## ")[0]


@pytest.fixture
def clone(root: Path, page: str, tmp_path: Path) -> Path:
    """A folder with the example, its data and the page's drift.yml."""
    ignore = shutil.ignore_patterns("*.csv")
    shutil.copytree(root / "examples/drift", tmp_path / "examples/drift", ignore=ignore)
    (configuration,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "drift.yml").write_text(configuration, encoding="utf-8")
    (command,) = re.findall(r"`(python \S+)`", page)
    assert _run(command, tmp_path).returncode == 0
    return tmp_path


def test_a_check_finds_what_the_page_shows(page: str, clone: Path) -> None:
    check, valid, _ = _COMMAND.findall(page)

    done = _run(check[0], clone)
    assert done.returncode == 1
    assert done.stdout == check[1]
    done = _run(valid[0], clone)
    assert (done.returncode, done.stdout) == (0, valid[1])


def test_json_says_the_same(page: str, clone: Path) -> None:
    done = _run(f"{_COMMAND.findall(page)[0][0]} --format json", clone)

    assert done.returncode == 1
    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert {name: row["detected"] for name, row in found.items()} == {"ratings": True, "popularity": False}
    new = {item["bin"] for item in found["ratings"]["details"]["contributions"]}
    assert {"2.5", "3.5", "4.5"} <= new


def test_the_exporter_serves_what_the_page_shows(page: str, clone: Path) -> None:
    (samples,) = re.findall(r"```\n(drift_.*?)```", page, re.DOTALL)
    command = _COMMAND.findall(page)[-1][0]
    address = f"127.0.0.1:{free_port()}"
    argv = [*shlex.split(command), f"--web.listen-address={address}"]
    with subprocess.Popen(argv, cwd=clone, env=_environment(), stderr=subprocess.DEVNULL) as process:

        def served() -> bool:
            assert process.poll() is None
            try:
                text = requests.get(f"http://{address}/metrics", timeout=5).text
            except requests.ConnectionError:
                return False
            return set(samples.splitlines()) <= set(text.splitlines())

        try:
            wait_until(served, timeout=60)
            assert "popularity" in requests.get(f"http://{address}/", timeout=5).text
        finally:
            process.terminate()


def test_the_example_finds_what_its_page_shows(root: Path, clone: Path) -> None:
    make, check, details = _COMMAND.findall((root / "examples/drift/README.md").read_text(encoding="utf-8"))

    assert _run(make[0], clone).returncode == 0
    done = _run(check[0], clone)
    assert done.returncode == 1
    assert done.stdout == check[1]
    done = _run(details[0], clone)
    assert done.returncode == 1
    assert [row["check"] for row in json.loads(done.stdout)] == ["ratings"]


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv: list[str] = shlex.split(command)
    return subprocess.run(
        argv, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=120, check=False
    )


def _environment() -> Mapping[str, str]:
    """As in a shell whose virtual environment is this one."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
