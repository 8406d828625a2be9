"""Find Prometheus and its companions: on PATH, in `.tools/`, or unpacked there from Debian's packages."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recwatch_local import debian
from recwatch_local.errors import ToolsMissingError
from recwatch_local.paths import TOOLS_FOLDER


@dataclass(frozen=True)
class Tool:
    """A program of the stack: the names it goes by, the oldest version that will do, its Debian package."""

    names: tuple[str, ...]
    minimum: tuple[int, int]
    package: str


@dataclass(frozen=True)
class Tools:
    """Where each program was found."""

    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path
    pushgateway: Path


TOOLS = {
    "prometheus": Tool(("prometheus",), (3, 5), "prometheus"),
    "promtool": Tool(("promtool",), (3, 5), "promtool"),
    "alertmanager": Tool(("alertmanager", "prometheus-alertmanager"), (0, 28), "prometheus-alertmanager"),
    "amtool": Tool(("amtool",), (0, 28), "prometheus-alertmanager"),
    "pushgateway": Tool(("pushgateway", "prometheus-pushgateway"), (1, 5), "prometheus-pushgateway"),
}
OLDEST = (2, 53)
"""The oldest Prometheus that the rules are written for: the long-term release before 3."""
_LOAD_OPENMP = "import ctypes; ctypes.CDLL('libgomp.so.1')"
_VERSION = re.compile(r"version (\d+)\.(\d+)")


def program_version(program: Path) -> tuple[int, int] | None:
    """Ask a program of the Prometheus family for its major and minor version; None if it does not say."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout + answer.stderr)
    return (int(match[1]), int(match[2])) if match else None


def candidates(tool: Tool, folder: Path, path: str) -> Iterator[Path]:
    """Yield where a tool may be: on `path` (as in the variable PATH) first, then unpacked below `folder`."""
    for name in tool.names:
        if found := shutil.which(name, path=path):
            yield Path(found)
    for name in tool.names:
        if (unpacked := folder / "usr" / "bin" / name).is_file():
            yield unpacked


def search(folder: Path, path: str) -> tuple[dict[str, Path], list[str]]:
    """Look for every tool; return those that will do, and the names of those that are missing or too old."""
    found: dict[str, Path] = {}
    for name, tool in TOOLS.items():
        for program in candidates(tool, folder, path):
            version = program_version(program)
            if version is not None and version >= tool.minimum:
                found[name] = program
                break
    return found, [name for name in TOOLS if name not in found]


def find_tools(folder: Path = TOOLS_FOLDER, path: str | None = None) -> Tools:
    """Find every tool without installing anything.

    Raises:
        ToolsMissingError: when one is missing or too old.
    """
    found, missing = search(folder, os.environ.get("PATH", "") if path is None else path)
    if missing:
        wanted = ", ".join(f"{name} {'.'.join(map(str, TOOLS[name].minimum))}" for name in missing)
        raise ToolsMissingError(
            f"missing: {wanted} or later. Run `make tools` on Debian, "
            "or install them from prometheus.io and put them on PATH."
        )
    return Tools(**found)


def ensure_tools(say: Callable[[str], None], folder: Path = TOOLS_FOLDER) -> Tools:
    """Find every tool; unpack from Debian's packages, into `folder`, those that are missing.

    Args:
        say: told one line for each thing that takes time.
        folder: where to unpack; the system is left as it is.

    Raises:
        ToolsMissingError: when they are missing and this is no Debian, or its packages cannot be had.
    """
    _, missing = search(folder, os.environ.get("PATH", ""))
    if missing and debian.is_available():
        packages = sorted({TOOLS[name].package for name in missing})
        debian.unpack(packages, folder, say, suite=debian.NEWER)
    if not has_openmp() and debian.is_available():
        debian.unpack(["libgomp1"], folder, say)
    return find_tools(folder)


def find_oldest_promtool(folder: Path = TOOLS_FOLDER) -> Path | None:
    """Find the promtool of the oldest Prometheus that the rules are written for, where it was unpacked."""
    program = folder / "oldest" / "usr" / "bin" / "promtool"
    version = program_version(program)
    return program if version is not None and version[0] == OLDEST[0] and version >= OLDEST else None


def ensure_oldest_promtool(say: Callable[[str], None], folder: Path = TOOLS_FOLDER) -> Path | None:
    """Find that promtool, or unpack it from Debian's package; None where this is no Debian.

    Raises:
        ToolsMissingError: when Debian's package cannot be had.
    """
    if find_oldest_promtool(folder) is None and debian.is_available():
        debian.unpack(["promtool"], folder / "oldest", say, suite=debian.OLDER)
    return find_oldest_promtool(folder)


def has_openmp() -> bool:
    """Whether GCC's OpenMP library can be loaded; `implicit` needs it, and a small Debian does not have it.

    The Makefile puts `.tools/usr/lib` on the loader's path.
    """
    return (
        subprocess.run([sys.executable, "-c", _LOAD_OPENMP], capture_output=True, check=False).returncode == 0
    )
