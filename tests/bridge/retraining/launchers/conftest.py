"""The other ends of launchers that docs/bridge.md names, and a trainer for them."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

TRAINER = """
import json, os
from pathlib import Path

asked = {name: os.environ[f"RECWATCH_{name}"] for name in ("RUN_ID", "MODEL", "REASON")}
Path(os.environ["RECWATCH_RESULT"]).write_text(
    json.dumps({"version": "v2", "metrics": {}, "samples": 500, "asked": asked}))
"""


@pytest.fixture
def examples() -> Path:
    return ROOT / "examples" / "launchers"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the trainer that the examples run, and the example of Celery's tasks."""
    folder = tmp_path / "shop-folder"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    shutil.copy(ROOT / "examples" / "launchers" / "tasks.py", folder)
    (folder / "shop" / "train.py").write_text(TRAINER, encoding="utf-8")
    return folder
