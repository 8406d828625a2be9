"""Unpack newer Debian packages into a folder of our own, without root and without touching the system.

The mirror's address comes from apt's own configuration at run time.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from recwatch_local.errors import ToolsMissingError

SUITE = "forky"
# Debian's builds look for their templates there, and Alertmanager does not start without them. In the programs
# that we unpack the path becomes a relative one of the same length, so that they find what was unpacked beside
# them when they are started in a folder with a link to `usr`.
_DATA_FOLDER = b"/usr/share/prometheus"
_RELOCATED = b"usr//share/prometheus"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_REMEDY = "Install Prometheus, Alertmanager and Pushgateway from prometheus.io and put them on PATH."


def is_available() -> bool:
    """Whether apt-get, dpkg and Debian's signing keys are there."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg")) and KEYRING.is_file()


def choose_mirror(targets: Iterable[str]) -> str | None:
    """Pick Debian's main archive from apt's index targets.

    Args:
        targets: lines of `URI SUITE`, as `apt-get indextargets --format '$(REPO_URI) $(SUITE)'` prints them.
    """
    for line in targets:
        uri, _, suite = line.partition(" ")
        if uri.rstrip("/").endswith("/debian") and not suite.endswith(
            ("-security", "-updates", "-backports")
        ):
            return uri
    return None


def unpack(packages: Sequence[str], folder: Path, say: Callable[[str], None]) -> None:
    """Download Debian packages and unpack them below `folder`.

    Raises:
        ToolsMissingError: when apt names no mirror, or a package cannot be had.
    """
    listing = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE)", "Created-By: Packages"])
    mirror = choose_mirror(listing.splitlines())
    if mirror is None:
        raise ToolsMissingError(f"apt names no Debian mirror to take {', '.join(packages)} from. {_REMEDY}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=folder) as name:
        work = Path(name)
        for part in ("lists/partial", "cache/archives/partial", "deb", "root"):
            (work / part).mkdir(parents=True)
        (work / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n", encoding="utf-8"
        )
        options = _options(work)
        say(f"reading Debian's package list ({SUITE})")
        _run(["apt-get", *options, "update"])
        for package in packages:
            say(f"unpacking {package} into {folder.name}/")
            _run(["apt-get", *options, "download", package], cwd=work / "deb")
        for archive in sorted((work / "deb").glob("*.deb")):
            _run(["dpkg", "-x", str(archive), str(work / "root")])
        data = "usr/share/prometheus"
        # Some of it are links to other packages' files, which are not wanted here.
        shutil.copytree(
            work / "root" / data, folder / data, dirs_exist_ok=True, ignore_dangling_symlinks=True
        )
        _move_programs(work / "root/usr/bin", folder / "usr/bin")


def _options(work: Path) -> list[str]:
    settings = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        # apt's own user may not enter a folder in somebody's home.
        "APT::Sandbox::User": "root",
    }
    return ["-qq", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]


def _move_programs(source: Path, target: Path) -> None:
    """Move each program in one step, so that an interrupted run leaves no half of one."""
    target.mkdir(parents=True, exist_ok=True)
    for program in sorted(source.iterdir()):
        program.write_bytes(relocate(program.read_bytes()))
        program.replace(target / program.name)


def relocate(program: bytes) -> bytes:
    """Make a program look for its data relative to the folder it is started in; no byte moves."""
    return program.replace(_DATA_FOLDER, _RELOCATED)


def _run(argv: Sequence[str], cwd: Path | None = None) -> str:
    answer = subprocess.run(
        argv, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    if answer.returncode != 0:
        detail = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        reason = detail[-1].rstrip(".") if detail else f"exit {answer.returncode}"
        raise ToolsMissingError(f"`{argv[0]}` could not fetch or unpack what is missing: {reason}. {_REMEDY}")
    return answer.stdout
