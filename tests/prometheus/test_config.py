import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from recwatch_local.tools import Tools

# The words of the design; `service` is what inhibition goes by.
SERVICES = {"recommender", "prometheus", "alertmanager", "pushgateway", "drift-exporter", "bridge"}

pytestmark = pytest.mark.parametrize("mode", ["local", "compose"])


def test_promtool_accepts_the_configuration(mode: str, placed: Callable[[str], Path], tools: Tools) -> None:
    answer = subprocess.run(
        [tools.promtool, "check", "config", "--lint=all", "--lint-fatal", placed(mode)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "WARNING" not in answer.stderr


def test_every_job_has_its_targets_in_each_mode(
    mode: str, placed: Callable[[str], Path], folder: Path
) -> None:
    config = placed(mode)
    document = yaml.safe_load(config.read_text(encoding="utf-8"))

    named = {
        file
        for section in (*document["scrape_configs"], *document["alerting"]["alertmanagers"])
        for discovery in section["file_sd_configs"]
        for file in discovery["files"]
    }

    assert {job["job_name"] for job in document["scrape_configs"]} == SERVICES
    own = {"services/*.yml"}
    assert named == own | {f"targets/{file.name}" for file in (folder / "targets" / mode).iterdir()}


def test_every_target_has_job_and_service(mode: str, folder: Path) -> None:
    groups = [
        group
        for file in (folder / "targets" / mode).iterdir()
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]

    assert all(set(group["labels"]) == {"job", "service"} for group in groups)
    assert {group["labels"]["service"] for group in groups} == SERVICES
    assert all(group["targets"] for group in groups)


def test_a_mode_names_only_its_own_hosts(mode: str, folder: Path) -> None:
    hosts = {
        target.rpartition(":")[0]
        for file in (folder / "targets" / mode).iterdir()
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))
        for target in group["targets"]
    }

    expected = {
        "local": {"127.0.0.1"},
        "compose": {"recommender", "prometheus", "alertmanager", "pushgateway", "exporter", "bridge"},
    }
    assert hosts == expected[mode]
