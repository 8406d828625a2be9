import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch.testing import PrometheusServer
from recwatch.testing.slack import find_fault
from recwatch_bridge.clock import wall
from recwatch_bridge.commands import render
from recwatch_bridge.config import BridgeConfig

Call = Callable[..., int]


@pytest.fixture
def call(workplace: Any) -> Call:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    render.configure(parser)

    def run(*arguments: str) -> int:
        return render.run(load_config(workplace.config, BridgeConfig), parser.parse_args(arguments))

    return run


@pytest.fixture
def given(workplace: Any, alert: Any, group: Any) -> str:
    """A webhook with an alert that fires and one that is over."""
    path = workplace.folder / "alert.json"
    path.write_text(json.dumps(group(alert(), alert("Slow", fingerprint="f2", status="resolved"))))
    return str(path)


def test_everything_is_shown(call: Call, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(given) == 0
    shown = capsys.readouterr().out
    assert "--- firing: subject ---\n[WARNING] DriftDetected: rating_scale has drifted\n" in shown
    assert "--- firing: text ---\nDriftDetected (warning, firing)\nrating_scale has drifted\n" in shown
    assert "--- resolved: subject ---\n[RESOLVED] Slow: rating_scale has drifted\n" in shown
    assert '--- resolved: slack ---\n{\n  "text": "*[RESOLVED] Slow' in shown
    assert "<html" not in shown


def test_one_format_alone(call: Call, workplace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = workplace.folder / "alerts.json"
    path.write_text('[{"labels": {"alertname": "A", "severity": "critical"}}]')
    assert call(str(path), "--format", "subject") == 0
    assert capsys.readouterr().out == "[CRITICAL] A\n"
    assert call(str(path), "--format", "html") == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert call(str(path), "--format", "slack") == 0
    assert find_fault(json.loads(capsys.readouterr().out)) is None


def test_files(call: Call, given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out" / "deep"
    assert call(given, "--out", str(folder)) == 0
    names = [f"{status}.{name}" for status in ("firing", "resolved") for name in render.FILES.values()]
    assert capsys.readouterr().out.split() == [str(folder / name) for name in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_templates_of_ones_own(
    call: Call, given: str, workplace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    workplace.settings["templates_dir"] = "ours"
    (workplace.folder / "ours").mkdir()
    template = workplace.folder / "ours" / "subject.txt"
    template.write_text("[prod] {{ subject }}")
    call(given, "--format", "subject")
    assert (
        capsys.readouterr().out.splitlines()[0] == "[prod] [WARNING] DriftDetected: rating_scale has drifted"
    )
    template.write_text("{{ subjekt }}")
    with pytest.raises(ConfigError, match=r"ours/subject\.txt: UndefinedError: 'subjekt' is undefined"):
        call(given)


def test_documented_example(workplace: Any) -> None:
    text = (Path(__file__).parents[3] / "docs" / "bridge.md").read_text(encoding="utf-8")
    [script] = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "templates/" in block]
    workplace.settings["templates_dir"] = "templates"
    assert workplace.config.name == "bridge.yml"
    ended = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        cwd=workplace.folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--- firing: subject ---\n[prod] [CRITICAL] Slow: It is slow\n" in ended.stdout
    assert (workplace.folder / "preview" / "firing.email.html").exists()


def test_picture(call: Call, given: str, workplace: Any, tmp_path: Path) -> None:
    with PrometheusServer() as prometheus:
        workplace.settings["prometheus_url"] = prometheus.url
        prometheus.rules = [{"type": "alerting", "name": "DriftDetected", "query": "drift_statistic > 0.2"}]
        points = [(wall() - second, 0.1) for second in range(300, 0, -30)]
        prometheus.series["drift_statistic"] = [({"model": "als"}, points)]
        assert call(given, "--picture", "--out", str(tmp_path / "out")) == 0
    png = (tmp_path / "out" / "firing.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    html = (tmp_path / "out" / "firing.email.html").read_text()
    assert 'src="data:image/png;base64,' in html
    assert "cid:" not in html
    assert not (tmp_path / "out" / "resolved.png").exists()


def test_no_picture_is_said(
    call: Call, given: str, workplace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with PrometheusServer() as prometheus:
        workplace.settings["prometheus_url"] = prometheus.url
        assert call(given, "--picture", "--format", "subject") == 0
    told = "no picture: Prometheus has no rule DriftDetected, or no series for it\n"
    assert capsys.readouterr().err == told


def test_picture_without_prometheus(call: Call, given: str) -> None:
    with pytest.raises(ConfigError, match="--picture asks Prometheus: add prometheus_url"):
        call(given, "--picture")


def test_nothing_is_made_but_what_is_asked_for(call: Call, given: str, workplace: Any) -> None:
    call(given)
    assert not (workplace.folder / "data").exists()
    assert workplace.mail.messages == []


def test_a_folder_that_cannot_be_made(call: Call, given: str) -> None:
    with pytest.raises(ConfigError, match=r"--out: .* cannot be written \(File exists\)"):
        call(given, "--out", given)
