"""Where things are in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS_FOLDER = ROOT / ".tools"
RUN_FOLDER = ROOT / ".run"
