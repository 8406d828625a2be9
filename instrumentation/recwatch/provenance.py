"""Which commit a program runs from."""

import shutil
import subprocess
from pathlib import Path

__all__ = ["git_commit"]


def git_commit(folder: Path | None = None) -> str | None:
    """The commit that a folder is at; None outside a repository, without git, or if git takes too long.

    Args:
        folder: the working directory by default.
    """
    git = shutil.which("git")
    if git is None:
        return None
    try:
        answer = subprocess.run(
            [git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
