"""docs/health.md's Python runs as it stands there, and the page has a heading for each ready check."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from starlette.testclient import TestClient

from recwatch.health import DiskSpace, HttpDependency, Memory, ModelFile, RegistryVersion
from recwatch.health.celery_workers import CeleryWorkers
from recwatch.health.database import Database
from recwatch.health.redis_server import RedisServer

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
READY = (ModelFile, RegistryVersion, Database, RedisServer, CeleryWorkers, HttpDependency, DiskSpace, Memory)


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "health.md").read_text(encoding="utf-8")


def test_the_program_answers(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("models", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "models/latest.pkl").write_bytes(b"model")
    sqlite3.connect(tmp_path / "data/store.db").close()
    names: dict[str, Any] = {"queue": [1, 2]}
    exec(_BLOCK.findall(page)[0], names)  # noqa: S102 - our own page
    try:
        with TestClient(names["app"]) as client:
            assert client.get("/readyz").json() == {"status": "ready", "failing": []}
            assert client.get("/healthz").status_code == 200
            checks = client.get("/health").json()["checks"]
    finally:
        names["health"].close()
    assert {name: check["unit"] for name, check in checks.items()} == {
        "model": "seconds",
        "database": "seconds",
        "disk": "bytes",
        "queue": "jobs",
    }
    assert checks["queue"]["value"] == 2


@pytest.mark.parametrize("check", READY, ids=lambda check: check.__name__)
def test_each_ready_check_has_a_heading_a_value_and_when_it_fails(page: str, check: Any) -> None:
    section = page.split(f"### {check.__name__}\n")[1].split("\n#", maxsplit=1)[0]
    assert f".{check.__name__}(" in section
    assert "- **Value**: " in section
    assert "- **Fails** when" in section
    assert check.unit in section


def test_the_alerts_are_promql(page: str) -> None:
    rows = [
        row for row in page.splitlines() if row.startswith("| ") and "health_check_" in row and "`" in row
    ]
    expressions = [row.split(" | ")[1].strip("`") for row in rows if row.split(" | ")[1].startswith("`")]
    assert len(expressions) == 4
    for expression in expressions:
        promql_parser.parse(expression)
