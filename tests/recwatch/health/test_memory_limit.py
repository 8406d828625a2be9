import os
from pathlib import Path

import pytest

from recwatch.health.memory_limit import find_limit

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The root of a file system that is still empty."""
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="ascii")


def test_without_cgroups_it_is_what_the_machine_has(system: Path) -> None:
    assert find_limit(system) == (MACHINE, "the machine")


@pytest.mark.parametrize("lowest", ["app.slice/web.service", "app.slice"])
def test_version_2_has_the_least_of_a_group_and_its_parents(system: Path, lowest: str) -> None:
    write(system, "proc/self/cgroup", "0::/app.slice/web.service\n")
    for folder in ("app.slice/web.service", "app.slice"):
        write(system, f"sys/fs/cgroup/{folder}/memory.max", "1048576\n" if folder == lowest else "max\n")
    assert find_limit(system) == (1048576, "the cgroup")


@pytest.mark.parametrize("path", ["/", "/docker/0123abc"])
def test_a_container_sees_its_own_group_at_the_mount(system: Path, path: str) -> None:
    write(system, "proc/self/cgroup", f"0::{path}\n")
    write(system, "sys/fs/cgroup/memory.max", "2097152\n")
    assert find_limit(system) == (2097152, "the cgroup")


def test_version_1_has_a_hierarchy_for_memory(system: Path) -> None:
    write(
        system, "proc/self/cgroup", "12:cpu,cpuacct:/a\n4:memory:/docker/0123abc\n1:name=systemd:/a\n0::/a\n"
    )
    write(system, "sys/fs/cgroup/memory/memory.limit_in_bytes", "3145728\n")
    write(system, "sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n")
    assert find_limit(system) == (3145728, "the cgroup")


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n"])
def test_no_limit_is_the_machine(system: Path, text: str) -> None:
    write(system, "proc/self/cgroup", "0::/web\n4:memory:/web\n")
    write(system, "sys/fs/cgroup/web/memory.max", text)
    write(system, "sys/fs/cgroup/memory/web/memory.limit_in_bytes", text)
    assert find_limit(system) == (MACHINE, "the machine")


def test_a_group_outside_of_the_container_is_not_looked_for(system: Path) -> None:
    write(system, "proc/self/cgroup", "0::/../other\n")
    write(system, "sys/fs/other/memory.max", "1\n")
    assert find_limit(system) == (MACHINE, "the machine")


def test_here_it_is_no_more_than_the_machine_has() -> None:
    limit, _ = find_limit()
    assert 0 < limit <= MACHINE
