import subprocess
from pathlib import Path

import pytest

from recwatch_local.paths import ROOT
from recwatch_local.tools import Tools
from recwatch_rules import plain
from recwatch_rules.addresses import Addresses
from recwatch_rules.main import main
from recwatch_rules.pack import read_groups

ADDRESSES = Addresses("https://grafana.example/", "https://wiki.example/runbooks")
GIVEN = ["--grafana-url", ADDRESSES.grafana, "--runbook-url", ADDRESSES.runbooks]


def test_rules_are_those_of_the_pack_with_other_addresses(tmp_path: Path, tools: Tools) -> None:
    plain.write(tmp_path, plain.files(ROOT, ADDRESSES))

    pack = read_groups(ROOT / "prometheus" / "rules")
    assert read_groups(tmp_path / "rules") == {stem: ADDRESSES.put(groups) for stem, groups in pack.items()}
    files = sorted((tmp_path / "rules").iterdir())
    answer = subprocess.run([tools.promtool, "check", "rules", *files], capture_output=True, check=False)
    assert answer.returncode == 0


def test_dashboards_lead_to_these_runbooks() -> None:
    files = plain.files(ROOT, ADDRESSES)

    assert len([name for name in files if name.startswith("dashboards/")]) > 1
    assert "https://wiki.example/runbooks/${__value.raw}.md" in files["dashboards/loop.json"]
    assert not any("github.com/recwatch" in text or "localhost:3000" in text for text in files.values())


def test_files_of_others_stay_and_rules_of_an_older_pack_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "mine.yml").write_text("groups: []\n", encoding="utf-8")
    (rules / "older.yml").write_text(plain.HEAD + "groups: []\n", encoding="utf-8")

    assert main(["--root", str(ROOT), "plain", "--folder", str(tmp_path), *GIVEN]) == 0
    assert f"changed {rules / 'older.yml'}\n" in capsys.readouterr().out
    assert (rules / "mine.yml").exists()
    assert not (rules / "older.yml").exists()
    assert main(["--root", str(ROOT), "plain", "--folder", str(tmp_path), *GIVEN]) == 0
    assert capsys.readouterr().out == ""
