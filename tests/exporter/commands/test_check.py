"""`recwatch-exporter check`, in worker processes as always."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_exporter.main import main

pytestmark = pytest.mark.usefixtures("root_logger")
# The drift.yml that stays valid, letter by letter.
PLAIN = """
checks:
  - {name: ratings, type: ks, column: rating, cluster: user_id, threshold: 0.1, alpha: 0.05,
     reference: {path: ref.parquet}, current: {path: cur.parquet}}
  - {name: catalogue, type: spearman, column: item_id, threshold: 0.8, reference: {path: ref.parquet}, current: {path: cur.parquet}}
  - {name: titles, type: embedding, column: vector, key: item_id, threshold: 0.95, reference: {path: a.parquet}, current: {path: b.parquet}}
  - {name: inputs, type: mmd, columns: [f0, f1], threshold: 0.01, alpha: 0.05, reference: {path: ref.parquet}, current: {path: cur.parquet}}
"""  # noqa: E501
COMMAND = [sys.executable, "-m", "recwatch_exporter", "check"]
KEYS = [
    *("check", "type", "feature", "segment", "statistic", "p_value", "effect_size", "threshold", "detected"),
    *("n_reference", "n_current", "error", "details"),
]
EXAMPLE = {"name": "a", "type": "ks", "column": "rating", "threshold": 0.2, "min_rows": 20}
FILES = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.parquet"}}


@pytest.fixture
def plain(tmp_path: Path, write: Callable[..., Path]) -> Path:
    """The four checks of a plain drift.yml: ratings and inputs drift, items and titles do not."""
    rng = np.random.default_rng(0)
    for name, shift in (("ref.parquet", 0.0), ("cur.parquet", 1.0)):
        items = rng.permutation(np.repeat(np.arange(40), np.arange(1, 41)))
        rows = len(items)
        write(
            name,
            user_id=np.arange(rows) % 80,
            item_id=items,
            rating=np.round(rng.normal(3 + shift, 1, rows)),
            f0=rng.normal(shift, 1, rows),
            f1=rng.normal(0, 1, rows),
        )
    vectors = list(rng.normal(size=(60, 8)))
    for name in ("a.parquet", "b.parquet"):
        write(name, item_id=np.arange(60), vector=vectors)
    path = tmp_path / "drift.yml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def test_a_plain_configuration_as_json(plain: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--once", "--format", "json", "--config", str(plain)]) == 1

    out, err = capfd.readouterr()
    rows = {row["check"]: row for row in json.loads(out)}
    assert list(rows) == ["ratings", "catalogue", "titles", "inputs"]
    assert {name: row["detected"] for name, row in rows.items()} == {
        "ratings": True,
        "catalogue": False,
        "titles": False,
        "inputs": True,
    }
    assert all(list(row)[: len(KEYS)] == KEYS for row in rows.values())
    assert rows["catalogue"]["statistic"] == pytest.approx(1.0)
    assert rows["titles"]["p_value"] is None
    assert err == ""


def test_chosen_checks_as_a_table(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config.file", str(plain), "check", "titles", "catalogue"]) == 0

    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["CHECK", "TYPE", "FEATURE", "SEGMENT"]
    assert [line.split()[0] for line in lines] == ["catalogue", "titles"], "in the configuration's order"
    assert all(line.endswith("no drift") for line in lines)


def test_as_junit(
    config_file: Callable[..., Path], write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("ref.parquet", rating=[1.0] * 30)
    write("cur.parquet", rating=[2.0] * 30)
    same = {**FILES, "current": {"path": "ref.parquet"}}
    config = config_file(
        {**EXAMPLE, **FILES},
        {**EXAMPLE, **FILES, "name": "broken", "current": {"path": "nothing.parquet"}},
        {**EXAMPLE, **FILES, "name": "few", "min_rows": 31},
        {**EXAMPLE, **same, "name": "quiet"},
    )

    assert main(["check", "--format", "junit", "--config", str(config)]) == 1

    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - made by us
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    failure = root.find(".//failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("drift: statistic 1, effect_size ")
    error = root.find(".//error")
    assert error is not None
    assert "nothing.parquet does not exist" in (error.get("message") or "")


def test_what_cannot_be_told(
    config_file: Callable[..., Path],
    write: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A source that hangs is one of them."""
    write("ref.parquet", rating=[1.0] * 30)
    os.mkfifo(tmp_path / "pipe.csv")
    hanging = {**EXAMPLE, **FILES, "name": "hanging", "timeout": "1s", "current": {"path": "pipe.csv"}}
    config = str(config_file({**EXAMPLE, **FILES, "current": {"path": "ref.parquet"}}, hanging))
    before = psutil.Process().children()

    assert main(["check", "--config", config, "--format", "json"]) == 2
    sound, late = json.loads(capsys.readouterr().out)
    assert (sound["detected"], sound["error"]) == (False, None)
    assert late["error"] == "took longer than its timeout of 1s: read less, or raise timeout"
    assert late["detected"] is None
    assert psutil.Process().children() == before


def test_a_configuration_that_is_none(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(plain.with_name("nothing.yml"))]) == 2
    assert main(["check", "--config", str(plain), "nothing"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"{plain}: no check nothing: choose from ratings, catalogue, titles, inputs"
    )


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_sees_a_progress_bar(plain: Path, *, no_color: bool) -> None:
    """On standard error, so that standard output stays what it is."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_color else {})}
    if not no_color:
        environment.pop("NO_COLOR", None)
    argv = [sys.executable, "-m", "recwatch_exporter", "check", "--config", str(plain), "titles"]
    argv += ["--format", "json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b"".join(_everything(ours))
        assert process.stdout is not None
        assert json.loads(process.stdout.read())[0]["check"] == "titles"
    os.close(ours)

    assert b"Running checks" in seen
    assert (b"\x1b[38" in seen or b"\x1b[3" in seen) is not no_color


def _everything(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:
            return
        if not piece:
            return
        yield piece


@pytest.mark.all
def test_a_command_that_is_ended_leaves_nothing_behind(
    config_file: Callable[..., Path], write: Callable[..., Path], tmp_path: Path
) -> None:
    """As Airflow and CI end it."""
    write("ref.parquet", rating=[1.0] * 30)
    os.mkfifo(tmp_path / "pipe.csv")
    config = config_file({**EXAMPLE, **FILES, "current": {"path": "pipe.csv"}})
    argv = [sys.executable, "-m", "recwatch_exporter", "check", "--config", str(config)]
    with subprocess.Popen(argv) as process:
        wait_until(lambda: psutil.Process(process.pid).children(), 60)
        children: list[Any] = psutil.Process(process.pid).children()
        process.terminate()

    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("form", ["table", "json", "junit"])
def test_an_answer_that_gets_nowhere_is_no_drift(plain: Path, form: str) -> None:
    argv = [*COMMAND, "--config", str(plain), "titles", "--format", form]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "the answer cannot be written: [Errno 28] No space left on device\n"


def test_a_reader_that_has_gone_is_no_drift(plain: Path) -> None:
    argv = [*COMMAND, "--config", str(plain), "titles"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == "the answer cannot be written: [Errno 32] Broken pipe\n"
        assert process.wait() == 2


def test_a_mistake_of_ours_is_no_drift(
    plain: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("recwatch_exporter.commands.check.run_each", fail)

    assert main(["check", "--config", str(plain)]) == 2
    assert capsys.readouterr().err.endswith(
        "check failed: ZeroDivisionError('a mistake'): report it with the traceback\n"
    )


def test_a_missing_package_is_no_drift(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text(
        "raise ModuleNotFoundError('gone', name='uvicorn')", encoding="utf-8"
    )
    argv = [*COMMAND, "--config", str(plain)]

    done = subprocess.run(
        argv, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (
        2,
        "uvicorn is not installed: pip install 'recwatch[exporter]'\n",
    )
