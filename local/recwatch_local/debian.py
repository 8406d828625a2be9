"""Unpack newer Debian packages into a folder of our own, without root and without touching the system.

The mirror's address comes from apt's own configuration at run time.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recwatch_local.errors import ToolsMissingError

NEWER = "forky"
"""The suite that has Prometheus 3.5 and its companions, built so that they run on older Debians too."""

OLDER = "trixie"
"""The suite that has Prometheus 2.53."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_REMEDY = "Install Prometheus, Alertmanager and Pushgateway from prometheus.io and put them on PATH."
# Debian's builds look for their templates there, and Alertmanager does not start without them. In programs
# that we unpack the path becomes a relative one of the same length: so they find what was unpacked beside
# them when they are started in a folder with a link to `usr`.
_DATA_FOLDER = b"/usr/share/prometheus"
_RELOCATED = b"usr//share/prometheus"
_NOT_MAIN = ("-security", "-updates", "-backports")


@dataclass(frozen=True)
class Archive:
    """Debian's main archive as apt knows it: the mirror's address and the release that this machine runs."""

    mirror: str
    codename: str


def is_available() -> bool:
    """Whether apt-get, dpkg and Debian's signing keys are there."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg")) and KEYRING.is_file()


def choose_archive(targets: Iterable[str]) -> Archive | None:
    """Pick Debian's main archive from apt's index targets.

    Args:
        targets: lines of `URI CODENAME`, which apt-get indextargets prints in the format
            `$(REPO_URI) $(CODENAME)`.
    """
    for line in targets:
        uri, _, codename = line.partition(" ")
        if uri.rstrip("/").endswith("/debian") and not codename.endswith(_NOT_MAIN):
            return Archive(uri, codename)
    return None


def unpack(
    packages: Sequence[str], folder: Path, say: Callable[[str], None], *, suite: str | None = None
) -> None:
    """Download Debian packages and unpack their programs, libraries and templates below `folder`.

    Args:
        packages: their names.
        folder: gets `usr/bin`, `usr/lib` and `usr/share/prometheus`.
        say: told a line for each thing that takes time.
        suite: the Debian release to take them from; None for the one that this machine runs.

    Raises:
        ToolsMissingError: when apt names no mirror, or a package cannot be had.
    """
    listing = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"])
    archive = choose_archive(listing.splitlines())
    if archive is None:
        raise ToolsMissingError(f"apt names no Debian mirror to take {', '.join(packages)} from. {_REMEDY}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=folder) as name:
        work = Path(name)
        for part in ("lists/partial", "cache/archives/partial", "deb", "root"):
            (work / part).mkdir(parents=True)
        release = suite or archive.codename
        line = f"deb [signed-by={KEYRING}] {archive.mirror} {release} main\n"
        (work / "sources.list").write_text(line, encoding="utf-8")
        options = _options(work)
        say(f"reading Debian's package list ({release})")
        _run(["apt-get", *options, "update"])
        for package in packages:
            say(f"unpacking {package} into {folder.name}/")
            _run(["apt-get", *options, "download", package], cwd=work / "deb")
        for file in sorted((work / "deb").glob("*.deb")):
            _run(["dpkg", "-x", str(file), str(work / "root")])
        _take_over(work / "root" / "usr", folder / "usr")


def _take_over(source: Path, target: Path) -> None:
    """Move what is wanted into place, each file in one step, so that no interruption leaves half of one."""
    if (source / "share/prometheus").is_dir():
        # Some of it are links to other packages' files, which are not wanted here.
        shutil.copytree(
            source / "share/prometheus",
            target / "share/prometheus",
            dirs_exist_ok=True,
            ignore_dangling_symlinks=True,
        )
    for folder in ("bin", "lib"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    for program in sorted([*source.glob("bin/*"), *source.glob("libexec/docker/cli-plugins/*")]):
        program.write_bytes(relocate(program.read_bytes()))
        program.replace(target / "bin" / program.name)
    for library in sorted((source / "lib").glob("*/*.so*")):
        library.replace(target / "lib" / library.name)


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
