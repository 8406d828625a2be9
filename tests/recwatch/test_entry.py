import subprocess
import sys
from pathlib import Path

import pytest

from recwatch import entry

COMMANDS = ["recwatch", "recwatch-exporter", "recwatch-bridge", "recwatch-dashboards"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_installed_commands_start(command: str) -> None:
    program = Path(sys.executable).parent / command
    answer = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("usage: ")


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "needs_more.py").write_text("import not_there\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert entry.run("needs_more", "exporter") == 1
    assert capsys.readouterr().err == "not_there is not installed: pip install 'recwatch[exporter]'\n"


def test_the_exit_code_is_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ends_with_two.py").write_text("def main():\n    return 2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert entry.run("ends_with_two", "exporter") == 2
