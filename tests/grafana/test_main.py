from pathlib import Path

import pytest

from recwatch_dashboards.main import main


def test_it_writes_then_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dashboards"

    assert main(["--check", "--folder", str(folder)]) == 1
    assert "run recwatch-dashboards" in capsys.readouterr().out
    assert not folder.exists()

    assert main(["--folder", str(folder)]) == 0
    assert "overview.json" in capsys.readouterr().out

    assert main(["--check", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out == ""
