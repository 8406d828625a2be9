import os
import subprocess
import sys

import pytest

from recwatch_exporter.process.memory import format_size, parse_size, private_bytes


@pytest.mark.parametrize(
    ("text", "size"), [("512MiB", 512 << 20), ("2GiB", 2 << 30), ("1.5GiB", 1536 << 20), ("1TiB", 1 << 40)]
)
def test_a_size_is_read_and_written(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("value", ["2GB", "2", 2, 2.5, True, "", "GiB", "-1GiB", None])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="is not a size: write a number and a unit, such as 512MiB or 2GiB"):
        parse_size(value)


def test_too_little_for_a_worker() -> None:
    with pytest.raises(ValueError, match="is less than the 256MiB that a worker needs: make it larger"):
        parse_size("100MiB")


def test_what_a_process_and_its_children_have_taken() -> None:
    code = "kept = bytearray(100 << 20); print(flush=True); input()"
    before = private_bytes(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        taken = private_bytes(os.getpid()) - before
        child.communicate(b"\n")

    assert 100 << 20 < taken < 200 << 20


def test_a_process_that_is_gone_has_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass

    assert private_bytes(child.pid) == 0
