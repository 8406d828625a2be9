"""What docs/training.md shows runs as it stands there."""

import re
import signal
from pathlib import Path

import pytest

from recwatch.store import open_store
from recwatch.testing import free_port
from recwatch_local.paths import ROOT

_PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)


def test_the_quickstart_is_short() -> None:
    assert len(_BLOCKS[0].splitlines()) < 20


@pytest.mark.filterwarnings("ignore:OpenBLAS is configured to use:RuntimeWarning")  # of implicit
def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    request.addfinalizer(lambda: signal.signal(signal.SIGTERM, handler))  # the page sets one
    for block in _BLOCKS:
        # No Pushgateway there: the training goes on all the same.
        exec(block.replace("localhost:9091", f"127.0.0.1:{free_port()}"), {})  # noqa: S102 - our own page
    with open_store("sqlite:///data/store.db") as store:
        assert [row["status"] for row in store.runs()] == ["completed", "completed"]
    text = Path("logs/cf/als.log").read_text(encoding="utf-8")
    for line in ("Iteration 1/15 | loss=125.34", "Evaluation | recall@10=0.234, ndcg@10=0.189"):
        assert line in text
    text = Path("logs/early/als.log").read_text(encoding="utf-8")
    events = [line.split(" | ")[2] for line in text.splitlines()]
    assert events[-4:] == ["Validation", "Early stopping", "Training completed", "Evaluation"]
    assert "Iteration 30/30" not in text
