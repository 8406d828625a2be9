"""README's Python runs as it stands there."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text

from recwatch.testing import free_port
from recwatch_local.paths import ROOT

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def blocks() -> list[str]:
    return _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_a_service_is_watched_in_three_lines(blocks: list[str]) -> None:
    app = FastAPI()
    exec(blocks[0], {"app": app})  # noqa: S102 - our own page
    assert "/metrics" in {getattr(route, "path", "") for route in app.routes}


def test_a_training_leaves_its_rows_and_its_log(
    blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    # No Pushgateway there: the training goes on all the same.
    exec(blocks[1].replace("localhost:9091", f"127.0.0.1:{free_port()}"), {})  # noqa: S102 - our own page
    engine = create_engine("sqlite:///data/store.db")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT status, ndcg_at_10 FROM training_runs")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("completed", 0.189)]
    assert "Iteration 1/15 | loss=125.34" in (tmp_path / "logs/cf/als.log").read_text(encoding="utf-8")
