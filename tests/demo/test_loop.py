"""The loop, end to end: real servers, real data, real retraining."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from recwatch.testing import wait_until
from recwatch_local.supervisor import find_leftovers

# What DESIGN.md's loop promises; written out, so that a step that vanishes from the demo is missed here.
ORDER = [
    "first_request",
    "drift_seen",
    "alert_firing",
    "retraining_started",
    "gated",
    "promoted",
    "new_version_served",
    "drift_gone",
    "alert_resolved",
    "email_resolved",
]
ALSO = {"targets_up", "model_served", "alert_routed", "email_alert", "email_retraining", "slack_retraining"}


def _demo(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "recwatch_demo", "--free-ports", "--output", str(tmp_path / "out")),
            *("--run-folder", str(tmp_path / "run"), *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.usefixtures("tools")
@pytest.mark.timeout(420)
def test_the_loop_closes_on_real_data(tmp_path: Path) -> None:
    demo = _demo(tmp_path, "--once")
    output, _ = demo.communicate(timeout=400)
    assert demo.returncode == 0, output
    entries = json.loads((tmp_path / "out" / "timeline.json").read_text(encoding="utf-8"))
    assert all(set(entry) == {"step", "at", "evidence"} and entry["evidence"] for entry in entries), entries
    at = {entry["step"]: entry["at"] for entry in entries}
    assert set(ORDER) | ALSO <= set(at)
    assert [(one, two) for one, two in pairwise(ORDER) if at[one] > at[two]] == []
    assert (tmp_path / "out" / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert "the alert has" in output
    assert "the picture: " in output
    assert find_leftovers(tmp_path / "run") == []


@pytest.mark.all
@pytest.mark.usefixtures("tools", "ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    demo = _demo(tmp_path)
    try:
        wait_until(lambda: len(find_leftovers(tmp_path / "run")) > 4, timeout=60)
        demo.send_signal(number)
        output, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert "stopped" in output
    assert find_leftovers(tmp_path / "run") == []
