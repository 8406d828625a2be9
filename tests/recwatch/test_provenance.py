import subprocess
from pathlib import Path

import pytest

from recwatch.provenance import git_commit


def test_a_repository_has_a_commit(tmp_path: Path) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (
        ["init", "--quiet"],
        [*identity, "commit", "--quiet", "--allow-empty", "--message", "first"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)  # noqa: S607 - git of this system
    commit = git_commit(tmp_path)
    assert commit is not None
    assert len(commit) == 40


def test_elsewhere_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path / "nowhere") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() is None
