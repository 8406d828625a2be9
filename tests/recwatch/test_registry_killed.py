"""kill -9 at every step of every change, and processes that change the same folder at once and are killed."""

import itertools
import os
import random
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recwatch.errors import RegistryError
from recwatch.registry import Manifest, ModelRegistry
from recwatch.testing import wait_until

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
CHANGES = {
    "promote": "registry.promote('v3_c', reason='drift')",
    "rollback": "registry.rollback(reason='worse')",
    "prune": "registry.prune(keep=1, min_age=timedelta(0))",
    "publish": "publish(registry, 'v5_e')",
}
PUBLISH = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from recwatch.registry import Manifest, ModelRegistry

def publish(registry, version):
    with registry.publish(version) as folder:
        (folder / "model.npz").write_bytes(b"factors")
        manifest = Manifest(model="als", version=version, trained_at=datetime.now(UTC), data_version="x")
        manifest.write(folder)
"""
# Kills a child before the n-th line that Python runs in a module that touches files, for every n.
KILL_AT_EVERY_LINE = """
import os, shutil, signal, sys
root = Path(sys.argv[1])
WATCHED = ("registry.py", "registry_files.py", "registry_journal.py", "shutil.py", "tempfile.py", "<string>")

def killed_at(line, folder):
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            seen += 1
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    registry = ModelRegistry(folder)
    sys.settrace(trace)
    change(registry)
    os._exit(0)

for line in range(1, 100_000, int(sys.argv[2])):
    folder = root / f"{line}" / "als"
    shutil.copytree(root / "before" / "als", folder)
    if not killed_at(line, folder):
        print(line)
        break
"""


def publish(registry: ModelRegistry, version: str) -> None:
    with registry.publish(version) as folder:
        (folder / "model.npz").write_bytes(b"factors")
        Manifest(model="als", version=version, trained_at=AT, data_version="x").write(folder)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.all)])
@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_any_line_a_change_has_happened_or_not(tmp_path: Path, change: str, step: int) -> None:
    before = ModelRegistry(tmp_path / "before" / "als")
    for version in ("v1_a", "v2_b", "v3_c", "v4_d"):
        publish(before, version)
    for version in ("v1_a", "v2_b"):
        before.promote(version, reason=f"drift before {version}")
    code = f"{PUBLISH}\ndef change(registry):\n    {CHANGES[change]}\n{KILL_AT_EVERY_LINE}"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(step)], capture_output=True, text=True, check=True
    )
    lines = int(answer.stdout)
    assert lines > 50
    # Most lines change no file: of folders that are the same, one is looked at.
    folders = [tmp_path / f"{line}" / "als" for line in range(1, lines + 1, step)]
    different = {content(folder): folder for folder in folders}
    outcomes = {check_after_kill(before, folder) for folder in different.values()}
    assert len(outcomes) > 1  # some before it happened, some after
    assert outcomes <= {
        "promote": {"v2_b v1_a-v4_d", "v3_c v1_a-v4_d"},
        "rollback": {"v2_b v1_a-v4_d", "v1_a v1_a-v4_d"},
        "prune": {"v2_b v1_a-v4_d", "v2_b v1_a-v2_b-v4_d"},
        "publish": {"v2_b v1_a-v4_d", "v2_b v1_a-v5_e"},
    }[change] | {"v2_b v1_a-v4_d"}


def content(folder: Path) -> frozenset[tuple[str, bytes]]:
    """Every file and folder but for the random ends of temporary names."""
    return frozenset(
        (
            re.sub(r"^(\.[^/]*-)[^/-]*", r"\1", str(path.relative_to(folder))),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    )


def check_after_kill(before: ModelRegistry, folder: Path) -> str:
    registry = ModelRegistry(folder)
    for version in registry.versions():  # each is whole
        assert registry.manifest(version).version == version
        assert (registry.path(version) / "model.npz").read_bytes() == b"factors"
    current, history = registry.current(), registry.history()
    assert current in registry.versions()
    assert history[:2] == before.history()
    assert history[-1].version == current
    assert [item.reason for item in history[2:]] in ([], ["drift"], ["worse"])
    versions = registry.versions()
    numbers = [int(version[1]) for version in versions]
    gaps = numbers != list(range(1, numbers[-1] + 1))
    shown = "-".join(versions) if gaps else f"{versions[0]}-{versions[-1]}"
    # Life goes on, and what was left behind goes away.
    publish(registry, "v6_f")
    assert registry.promote("v6_f", reason="next", expected=current).previous == current
    assert registry.history()[:-1] == history
    assert registry.rollback(reason="back").version == current
    assert {entry.name for entry in folder.glob(".*")} == {".lock"}
    return f"{current} {shown}"


CHANGE_FOREVER = (
    PUBLISH
    + """
import random, sys
from recwatch.errors import RegistryError

registry, chance = ModelRegistry(Path(sys.argv[1])), random.Random(sys.argv[2])
while True:
    try:
        match chance.choice(["publish", "promote", "promote", "rollback", "prune"]):
            case "publish":
                publish(registry, registry.new_version(datetime.now(UTC)))
            case "promote":
                registry.promote(chance.choice(registry.versions()), reason="drift")
            case "rollback":
                registry.rollback(reason="worse")
            case "prune":
                registry.prune(keep=4, min_age=timedelta(0))
    except RegistryError:  # somebody else was faster
        pass
"""
)


def start(folder: Path, seed: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHANGE_FOREVER, str(folder), str(seed)], stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("kills", [8, pytest.param(25, marks=pytest.mark.all)])
def test_processes_that_race_and_are_killed_leave_an_unbroken_chain(tmp_path: Path, kills: int) -> None:
    registry = ModelRegistry(tmp_path / "als")
    for version in ("v1_a", "v2_b"):
        publish(registry, version)
    registry.promote("v1_a", reason="first")
    chance = random.Random(3)  # noqa: S311 - a test's choices
    processes = [start(registry.folder, seed) for seed in range(3)]
    try:
        for number in range(kills):
            wanted = len(registry.history()) + chance.randrange(3, 15)
            wait_until(lambda: registry_reads_well(registry) >= wanted, timeout=60)  # noqa: B023 - called at once
            victim = processes.pop(0)
            assert victim.poll() is None, victim.communicate()[1].decode()
            victim.kill()
            victim.communicate()
            processes.append(start(registry.folder, f"after {number}"))
    finally:
        for process in processes:
            process.kill()
            assert process.communicate()[1] == b""
    history = registry.history()
    assert history[-1].version == registry.current()
    for earlier, later in itertools.pairwise(history):
        assert later.previous == earlier.version
    assert {item.reason for item in history} <= {"first", "drift", "worse"}
    publish(registry, registry.new_version(AT))
    registry.prune(keep=1)
    assert {entry.name for entry in registry.folder.glob(".*")} == {".lock"}


def registry_reads_well(registry: ModelRegistry) -> int:
    """What a reader sees at any moment is whole; how long the history is."""
    while True:
        current = registry.current()
        assert current is not None
        try:
            assert registry.manifest(current).version == current
        except RegistryError:
            # Pruned after it went out of service: then another one is in service by now.
            assert registry.current() != current or current not in registry.versions()
            if registry.current() == current:
                raise
            continue
        return len(registry.history())


RACE = """
import sys
from pathlib import Path
from recwatch.errors import PromotionConflictError
from recwatch.registry import ModelRegistry

sys.stdin.readline()
try:
    ModelRegistry(Path(sys.argv[1])).promote(sys.argv[2], reason="race", expected="v1_a")
except PromotionConflictError:
    sys.exit(3)
"""


def test_of_promotions_that_expect_the_same_version_one_is_made(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "als")
    versions = ["v1_a", "v2_b", "v3_c", "v4_d", "v5_e"]
    for version in versions:
        publish(registry, version)
    registry.promote("v1_a", reason="first")
    racers = {
        version: subprocess.Popen(
            [sys.executable, "-c", RACE, str(registry.folder), version], stdin=subprocess.PIPE
        )
        for version in versions[1:]
    }
    for racer in racers.values():
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    codes = {version: racer.wait(timeout=60) for version, racer in racers.items()}
    for racer in racers.values():
        racer.communicate()
    assert sorted(codes.values()) == [0, 3, 3, 3]
    assert codes[str(registry.current())] == 0
    assert len(registry.history()) == 2


def test_a_stopped_process_is_not_a_dead_one(tmp_path: Path) -> None:
    """A publication that is only stopped keeps its folder."""
    registry = ModelRegistry(tmp_path / "als")
    code = (
        f"{PUBLISH}\nimport sys\nwith ModelRegistry(Path(sys.argv[1])).publish('v1_a'):\n    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(registry.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        wait_until(lambda: list(registry.folder.glob(".publish-v1_a-*")), timeout=30)
        os.kill(process.pid, signal.SIGSTOP)
        publish(registry, "v2_b")
        assert list(registry.folder.glob(".publish-v1_a-*"))
        process.kill()
    publish(registry, "v3_c")
    assert not list(registry.folder.glob(".publish-*"))
