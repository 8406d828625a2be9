"""A full disk, and a database that another process holds: 503, nothing lost, and on it goes by itself."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until


def subjects(workplace: Any) -> list[str]:
    return [str(mail["Subject"]) for mail in workplace.mail.messages]


@pytest.fixture
def small_disk(tmp_path: Path, require_component: Any) -> Iterator[Path]:
    """A file system of two megabytes at `data/`."""
    can_mount = os.getuid() == 0 and shutil.which("mount") is not None
    require_component("a file system of our own", is_there=can_mount, remedy="run the tests as root")
    mount, unmount = str(shutil.which("mount")), str(shutil.which("umount"))
    folder = tmp_path / "data"
    folder.mkdir()
    subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run([unmount, "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


def until_refused(post: Callable[[int], int]) -> int:
    """Post alerts until the answer is no 200; returns how many were accepted."""
    for number in range(5_000):
        status = post(number)
        if status != 200:
            assert status == 503
            return number
    pytest.fail("the disk never was full")


@pytest.mark.all
def test_full_disk(small_disk: Path, start: Any, workplace: Any, alert: Any, group: Any) -> None:
    del workplace.settings["sinks"]["slack"]
    bridge = start()

    def post(number: int) -> int:
        body = group(alert(f"Disk{number}", fingerprint=f"f{number}", annotations={"description": "x" * 900}))
        return int(bridge.post("/notify/email", body).status_code)

    filler = fill(small_disk)
    accepted = until_refused(post)
    assert times_refused(bridge) > 0
    filler.unlink()
    assert post(accepted) == 200
    assert post(accepted + 1) == 200

    def all_told() -> bool:
        told = {subject.split()[1].rstrip(":") for subject in subjects(workplace)}
        return told == {f"Disk{number}" for number in range(accepted + 2)}

    wait_until(all_told, 120, what="every alert that was accepted")
    assert bridge.stop() == 0


def times_refused(bridge: Any) -> float:
    """How often the database refused to accept."""
    text = requests.get(f"{bridge.url}/metrics", timeout=10).text
    [line] = [
        line for line in text.splitlines() if line.startswith('bridge_store_errors_total{operation="accept"}')
    ]
    return float(line.split()[-1])


@pytest.mark.all
def test_database_held_by_another_process(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    bridge = start()
    body = group(alert("DuringTheLock"))
    other = sqlite3.connect(workplace.folder / "data" / "bridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = bridge.post("/notify/email", body)
        assert (answer.status_code, answer.json()["error"]) == (
            503,
            "the database cannot be used at the moment: try again",
        )
        assert times_refused(bridge) == 1
    finally:
        other.close()
    assert bridge.post("/notify/email", body).status_code == 200
    workplace.mail.wait_for(lambda mail: "DuringTheLock" in mail["Subject"], 20)
    assert len(subjects(workplace)) == 1
