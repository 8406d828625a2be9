"""A bridge that is set up as docs/bridge.md shows it; tests change the addresses of other ends."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch.registry import Manifest
from recwatch.testing import PrometheusServer

ROOT = Path(__file__).resolve().parents[3]
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"```(yaml|sh)\n(.*?)```", re.DOTALL)

Blocks = dict[str, list[tuple[str, str]]]
SetUp = Callable[..., None]


@pytest.fixture(scope="session")
def blocks() -> Blocks:
    """By heading of the section on setting up, what it shows: language and text; `""` is the beginning."""
    page = (ROOT / "docs" / "bridge.md").read_text(encoding="utf-8")
    section = page.partition("\n## Setting it up\n")[2].partition("\n## ")[0]
    first, *rest = _HEADING.split(section)
    texts = {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}
    return {heading: _BLOCK.findall(text) for heading, text in texts.items()}


@pytest.fixture
def set_up(workplace: Any, blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """Makes bridge.yml of the first block and those under the headings, and the tokens by the page's shell.

    Sinks are those of the tests where no heading names one. `secrets` go into files of these names.
    """
    folder = workplace.folder

    def make(*headings: str, secrets: Mapping[str, str] | None = None) -> None:
        (script, first) = blocks[""]
        subprocess.run(["/bin/sh", "-e", "-c", script[1]], cwd=folder, check=True)
        settings: dict[str, Any] = {}
        for block in (first, *(blocks[heading][0] for heading in headings)):
            settings = _merged(settings, yaml.safe_load(block[1]))
        settings.setdefault("sinks", workplace.settings["sinks"])
        # What tests ask the bridge by, beside the page's tokens.
        settings["tokens"].append({"file": "token", "scopes": ["alerts", "manage"], "name": "tests"})
        workplace.settings = settings
        for name, secret in (secrets or {}).items():
            (folder / "secrets" / name).write_text(f"{secret}\n", encoding="utf-8")

    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "trainer.py").rename(folder / "shop" / "train.py")
    # As in a shell whose virtual environment is this one.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return make


@pytest.fixture
def secret_of(workplace: Any) -> Callable[[str], str]:
    """Reads a secret that the page's shell made."""
    return lambda name: (workplace.folder / "secrets" / name).read_text(encoding="utf-8").strip()


@pytest.fixture
def publish(workplace: Any) -> Callable[[], str]:
    """Publishes a version, as a trainer elsewhere does."""

    def make() -> str:
        now = datetime.now(UTC)
        version = str(workplace.registry.new_version(now))
        with workplace.registry.publish(version) as folder:
            Manifest(model="als", version=version, trained_at=now, data_version="test").write(folder)
        return version

    return make


@pytest.fixture
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as server:
        yield server


def _merged(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What is written under a key in both is put together; otherwise the other's counts."""
    found = dict(one)
    for key, value in other.items():
        known = found.get(key)
        found[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found
