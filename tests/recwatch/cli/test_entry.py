import subprocess
import sys

import pytest

from recwatch.cli.entry import main


def test_the_script_s_function_ends_with_the_command_s_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setattr(sys, "argv", ["recwatch", "runs", "--store", f"sqlite:///{tmp_path}/none.db"])
    assert main() == 1
    assert capsys.readouterr().err.startswith("recwatch: there is no store at ")


def test_matplotlib_is_imported_by_the_one_command_that_draws() -> None:
    code = "import recwatch.cli.main, sys; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
