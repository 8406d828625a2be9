"""What docs/operator.md says to copy works: its prometheus.yml, and its way to Alertmanager's paths."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.paths import ROOT
from recwatch_local.tools import Tools

PAGE = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
_DISCOVERY = {"static_configs", "file_sd_configs"}


@pytest.fixture
def written() -> str:
    (found,) = re.findall(r"^```yaml\n(global:\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_promtool_accepts_the_prometheus_yml(written: str, tmp_path: Path, tools: Tools) -> None:
    (tmp_path / "prometheus.yml").write_text(written, encoding="utf-8")
    shutil.copytree(ROOT / "prometheus" / "rules", tmp_path / "rules")
    answer = subprocess.run(
        [tools.promtool, "check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def _how(job: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in job.items() if key not in _DISCOVERY}


def test_it_scrapes_as_the_packs_does(written: str) -> None:
    pack = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    found = yaml.safe_load(written)

    assert found["global"] == pack["global"]
    assert found["rule_files"] == pack["rule_files"]
    assert [_how(job) for job in found["scrape_configs"]] == [_how(job) for job in pack["scrape_configs"]]
    for job in found["scrape_configs"]:
        for group in job["static_configs"]:
            assert group["labels"].keys() == {"job", "service"}
            assert group["labels"]["job"] == job["job_name"]


def test_alertmanager_finds_what_the_operator_mounts(tmp_path: Path, tools: Tools) -> None:
    (command,) = re.findall(r"^    (sed (?:.*\\\n)*.*) > alertmanager\.yaml$", PAGE, re.MULTILINE)
    answer = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "alertmanager.yaml").write_text(answer.stdout, encoding="utf-8")
    uncommented = re.sub(r"#.*", "", answer.stdout)
    paths = re.findall(r"_file: ([^\s}]+)", uncommented)

    assert len(paths) > 5
    for path in paths:
        folder, _, name = path.rpartition("/")
        assert folder in {
            "/etc/alertmanager/secrets/recwatch-urls",
            "/etc/alertmanager/secrets/recwatch-tokens",
        }
        assert name == "bridge_token" or (ROOT / "alertmanager" / "urls" / "compose" / name).exists()
    subprocess.run([tools.amtool, "check-config", tmp_path / "alertmanager.yaml"], check=True)


def test_every_option_is_on_the_page() -> None:
    main = (ROOT / "prometheus" / "recwatch_rules" / "main.py").read_text(encoding="utf-8")

    for option in re.findall(r'"(--[a-z-]+)"', main):
        assert option in PAGE, option
