"""What docs/pipelines.md shows runs as it stands there."""

import re
from pathlib import Path

import pytest

from recwatch.store import open_store
from recwatch.testing import free_port
from recwatch_local.paths import ROOT

_PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _BLOCKS:
        # No Pushgateway there: the pipeline goes on all the same.
        exec(block.replace("localhost:9091", f"127.0.0.1:{free_port()}"), {})  # noqa: S102 - our own page
    with open_store("sqlite:///data/store.db") as store:
        assert [row["status"] for row in store.pipeline_runs()] == ["completed"]
