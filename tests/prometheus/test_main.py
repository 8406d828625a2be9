import shutil
from pathlib import Path

import pytest
import yaml

from recwatch_local.paths import ROOT
from recwatch_rules.main import main


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A root with what the commands read."""
    shutil.copytree(ROOT / "prometheus" / "rules", tmp_path / "prometheus" / "rules")
    shutil.copy(ROOT / "prometheus" / "prometheus.yml", tmp_path / "prometheus")
    shutil.copytree(ROOT / "docs" / "runbooks", tmp_path / "docs" / "runbooks")
    shutil.copy(ROOT / "docs" / "alerts.md", tmp_path / "docs")
    shutil.copytree(ROOT / "grafana" / "dashboards", tmp_path / "grafana" / "dashboards")
    return tmp_path


def test_what_is_committed_is_not_stale(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("table", "operator"):
        assert main(["--root", str(ROOT), command, "--check"]) == 0, capsys.readouterr().out


def test_a_stale_table_is_told_and_then_written(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = copied / "docs" / "alerts.md"
    page.write_text(page.read_text(encoding="utf-8").replace("| 2m |", "| 3m |"), encoding="utf-8")
    root = ["--root", str(copied)]

    assert main([*root, "table", "--check"]) == 1
    assert "run recwatch-rules table and commit" in capsys.readouterr().out
    assert "| 3m |" in page.read_text(encoding="utf-8")
    assert main([*root, "table"]) == 0
    assert capsys.readouterr().out == f"changed {page}\n"
    assert main([*root, "table", "--check"]) == 0


def test_objects_are_written_with_what_was_given(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "chart"
    given = ["--folder", str(folder), "--namespace", "monitoring", "--label", "release=stack"]
    given += ["--services-namespace", "shop", "--services-namespace", "films"]

    assert main(["--root", str(copied), "operator", "--check", *given]) == 1
    assert not folder.exists()
    assert main(["--root", str(copied), "operator", *given]) == 0
    assert main(["--root", str(copied), "operator", "--check", *given]) == 0
    assert main(["--root", str(copied), "operator", "--check", "--folder", str(folder)]) == 1
    assert "run recwatch-rules operator with the same options" in capsys.readouterr().out
    metadata = yaml.safe_load((folder / "rules" / "stack.yaml").read_text(encoding="utf-8"))["metadata"]
    assert metadata["namespace"] == "monitoring"
    assert metadata["labels"]["release"] == "stack"
    monitor = yaml.safe_load((folder / "monitors" / "recommender.yaml").read_text(encoding="utf-8"))
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["shop", "films"]}


def test_mistakes_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "table"]) == 1
    assert "is there: write --root FOLDER before the command" in capsys.readouterr().err

    with pytest.raises(SystemExit) as stopped:
        main(["operator", "--label", "release"])
    assert stopped.value.code == 2
    assert "'release' is no label: write NAME=VALUE" in capsys.readouterr().err
