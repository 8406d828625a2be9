"""How much memory a process may take: what its cgroups allow, or what the machine has.

The kernel's documentation: admin-guide/cgroup-v2 (`memory.max`, of a cgroup and each of its parents) and
admin-guide/cgroup-v1/memory (`memory.limit_in_bytes`); cgroups(7) for /proc/self/cgroup.
"""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_limit"]

_ROOT = Path("/")


def find_limit(root: Path = _ROOT) -> tuple[int, str]:
    """The bytes that this process and its children may take together, and who says so.

    Args:
        root: of the file system with proc/ and sys/.

    Returns:
        The least limit of the process's cgroups and their parents, or the machine's memory if that is less.

    Raises:
        OSError: when the machine does not say how much memory it has.
        ValueError: likewise, where it has no word for it.
    """
    limits = [(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "the machine")]
    for file in _files(root):
        try:
            text = file.read_text(encoding="ascii").strip()
        except OSError:  # not there: the root has none, and a container does not see its parents
            continue
        # "max" is no limit; version 1 says a number that is larger than any machine.
        if text.isdecimal():
            limits.append((int(text), "the cgroup"))
    return min(limits)


def _files(root: Path) -> Iterator[Path]:
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            mount, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = Path(path.lstrip("/"))
        # Inside a container the path may be the host's; the mount itself is the container's own group then.
        for folder in (group, *group.parents):
            if ".." not in folder.parts:
                yield mount / folder / name
