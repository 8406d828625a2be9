from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch_exporter.cautions import cautions
from recwatch_exporter.config import Check
from recwatch_exporter.main import main

SAID = (
    "ratings: current: query takes the types of a.csv from the first rows, and what comes later is "
    "rounded to them: write read_csv('FILE', sample_size = -1), or read_json likewise"
)


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ({"query": "FROM 'a.csv'"}, [SAID]),
        ({"query": "FROM read_csv('a.csv', sample_size = -1)"}, []),
        ({"query": 'SELECT x FROM "a.csv"', "database": "sqlite:///a.db"}, []),
        ({"path": "a.csv"}, []),
    ],
)
def test_types_that_are_guessed(
    make_check: Callable[..., Check], side: dict[str, Any], said: list[str]
) -> None:
    assert cautions([make_check(name="ratings", current=side)]) == said


def test_who_checks_a_configuration_is_told(
    config_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sides = {"reference": {"path": "a.parquet"}, "current": {"query": "FROM 'a.csv'"}}
    path = config_file({"name": "ratings", "type": "ks", "column": "x", **sides})

    assert main(["--config.file", str(path), "--check-config"]) == 0

    told = capsys.readouterr()
    assert told.out == f"{path}: valid, 1 checks\n"
    assert told.err == f"{path}: {SAID}\n"
