"""How much memory a process may take and how much it has taken; a mapped file is not the process's own."""

import re
from pathlib import Path
from typing import Annotated, Final

import psutil
from pydantic import BeforeValidator, PlainSerializer

_UNITS: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?P<unit>KiB|MiB|GiB|TiB)")
_LEAST: Final = 256 << 20


def parse_size(value: object) -> object:
    """Read `512MiB`, `2GiB` or `1.5GiB` as a number of bytes; a number is handed through.

    Raises:
        ValueError: when the text is not a size, or is less than a worker needs for itself.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= _LEAST:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a size: write a number and a unit, such as 512MiB or 2GiB")
    size = int(float(match["number"]) * _UNITS[match["unit"]])
    if size < _LEAST:
        raise ValueError(f"is less than the {format_size(_LEAST)} that a worker needs: make it larger")
    return size


def format_size(size: int) -> str:
    """Write a number of bytes as `parse_size` reads it: in the largest unit that gives a whole number."""
    for unit, factor in reversed(_UNITS.items()):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size / _UNITS['MiB']:.3f}MiB"


Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size)]
"""A field that is written as `2GiB` and read as a number of bytes."""


def private_bytes(pid: int) -> int:
    """Memory that a process and its children have taken for themselves, swap included; 0 when it is gone.

    Pages of mapped files are left out: the kernel takes them back when it needs them.
    """
    return _own(pid) + sum(private_bytes(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    """From /proc where the kernel lists them: looking through every process takes fifty times as long."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text("ascii").split()]
    except OSError:
        pass
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def _own(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _resident(pid)
    kilobytes = dict[str, int]()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in {"RssAnon", "VmSwap"}:
            kilobytes[name] = int(value.split()[0])
    return sum(kilobytes.values()) * 1024


def _resident(pid: int) -> int:
    """Where there is no /proc (macOS), mapped files cannot be told from the rest."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
