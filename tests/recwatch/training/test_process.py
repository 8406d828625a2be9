import os
import subprocess
import sys
from dataclasses import replace

import pytest

from recwatch.training.process import Process, current, is_alive

SLEEPER = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


def test_this_process_is_alive_and_knows_when_it_started() -> None:
    here = current()
    assert here.pid == os.getpid()
    assert (here.started_at or "").startswith("linux/")
    assert is_alive(here) is True


def test_a_later_process_with_the_same_pid_is_another() -> None:
    here = current()
    place, _, ticks = (here.started_at or "").rpartition("/")
    assert is_alive(replace(here, started_at=f"{place}/{int(ticks) - 1}")) is False


def test_a_process_that_ended_is_gone() -> None:
    with subprocess.Popen(SLEEPER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
    assert is_alive(replace(current(), pid=child.pid)) is False


@pytest.mark.parametrize("started_at", ["linux/another-boot/4026531836/1", "linux/", "psutil/1.0", None, "?"])
def test_of_another_host_nothing_is_known(started_at: str | None) -> None:
    assert is_alive(Process("another-host", os.getpid(), started_at)) is None


def test_without_a_start_time_a_missing_pid_alone_is_certain() -> None:
    with subprocess.Popen(SLEEPER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
    host = current().host
    assert is_alive(Process(host, child.pid, None)) is False
    assert is_alive(Process(host, os.getpid(), None)) is None


def test_psutil_tells_where_proc_does_not() -> None:
    psutil = pytest.importorskip("psutil")
    here = current()
    start = psutil.Process(here.pid).create_time()
    assert is_alive(replace(here, started_at=f"psutil/{start:.3f}")) is True
    assert is_alive(replace(here, started_at=f"psutil/{start - 1:.3f}")) is False
