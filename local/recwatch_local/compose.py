"""Find docker compose, for the test that reads docker-compose.yml with it; no engine is needed for that."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from recwatch_local import debian
from recwatch_local.paths import TOOLS_FOLDER

REMEDY = "install docker with its compose plugin, or run `python -m recwatch_local tools --compose` on Debian"


def find_compose(folder: Path = TOOLS_FOLDER) -> list[str] | None:
    """The command line of compose 2 or later: docker's plugin, a program on PATH, or what was unpacked."""
    candidates = [["docker", "compose"], ["docker-compose"], [str(folder / "usr" / "bin" / "docker-compose")]]
    for command in candidates:
        if shutil.which(command[0], path=os.environ.get("PATH", "")) and _is_new_enough(command):
            return command
    return None


def ensure_compose(say: Callable[[str], None], folder: Path = TOOLS_FOLDER) -> list[str] | None:
    """Find compose, or unpack Debian's package of it into `folder`; None where neither can be done."""
    if find_compose(folder) is None and debian.is_available():
        debian.unpack(["docker-compose"], folder, say, suite=debian.NEWER)
    return find_compose(folder)


def _is_new_enough(command: list[str]) -> bool:
    answer = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return answer.returncode == 0 and major.isdecimal() and int(major) >= 2  # noqa: PLR2004 - the first in Go
