"""docs/logs.md's Python runs as it stands there, and its tables name what the code writes."""

import json
import logging
import logging.config
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from recwatch import logs
from recwatch.log_files import REASONS
from recwatch.log_rotation import Rotation

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "logs.md").read_text(encoding="utf-8")


@pytest.fixture
def blocks(page: str) -> list[str]:
    return _BLOCK.findall(page)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    level = logging.getLogger().level
    yield
    logs.close()
    logs.close("recwatch.service")
    logging.getLogger().setLevel(level)


def test_a_recommender_s_log(blocks: list[str], tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102 - our own page
    assert names["recorder"].close()
    text = (tmp_path / "logs/service/recommender.log").read_text()
    assert "| INFO | Service started | model_id=als_v2_20250116_141500\n" in text
    assert re.search(
        r"\| INFO \| Request \| user_id=12345, topk=10, latency=\d\.\d{3}s, fallback=False\n", text
    )
    assert "| INFO | Model reloaded | old=als_v2, new=als_v3\n" in text


def test_any_other_log(blocks: list[str], tmp_path: Path) -> None:
    exec(blocks[1], {})  # noqa: S102 - our own page
    logging.getLogger("shop").warning("Hello")
    (line,) = map(json.loads, (tmp_path / "logs/shop.log").read_text().splitlines())
    assert line["event"] == "Hello"


def test_request_ids(blocks: list[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks[2], names)  # noqa: S102 - our own page
    assert len(names["app"].user_middleware) == 2


def test_django_s_settings_take_formatter_and_handler(tmp_path: Path) -> None:
    handler = {"()": "recwatch.logs.file_handler", "path": tmp_path / "shop.log", "json": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"text": {"()": "recwatch.logs.formatter"}},
            "handlers": {"file": handler},
            "loggers": {"shop": {"handlers": ["file"], "level": "INFO", "propagate": False}},
        }
    )
    logger = logging.getLogger("shop")
    logger.info("Hello")
    for theirs in list(logger.handlers):
        logger.removeHandler(theirs)
        theirs.close()
    logger.propagate = True
    assert json.loads((tmp_path / "shop.log").read_text())["event"] == "Hello"


def test_the_tables_name_every_setting_and_reason(page: str) -> None:
    for name in [*(field.name for field in fields(Rotation)), *REASONS]:
        assert f"| `{name}` |" in page
