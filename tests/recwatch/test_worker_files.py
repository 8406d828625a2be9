"""What files add up to, against prometheus_client's own collector."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from recwatch.worker_files import Kind, Values, families, merge, read, worker_files, write

WORKER = """
import sys
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
registry, value = CollectorRegistry(), float(sys.argv[1])
counter = Counter("runs", "Runs: \\\\ and \\n.", ["model", "a"], registry=registry)
histogram = Histogram("time_seconds", "Time.", ["model"], registry=registry, buckets=(1.0, 2.5e6))
for model in ("als", 'b"p\\\\r', sys.argv[1]):
    counter.labels(model, "x").inc(value)
    histogram.labels(model).observe(value)
Summary("size_bytes", "Size.", registry=registry).observe(value)
Histogram("signed", "Signed.", registry=registry, buckets=(-1.0, 1.0)).observe(value)
for mode in ("all", "liveall", "max", "livemax", "min", "livemin", "sum", "livesum", "mostrecent",
             "livemostrecent"):
    gauge = Gauge(f"gauge_{mode}", "A gauge.", ["model"], registry=registry, multiprocess_mode=mode)
    gauge.labels("als").set(value)
"""


class Given(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        return self.metrics


def written(metrics: list[Metric]) -> str:
    return generate_latest(Given(metrics)).decode()


def test_the_text_is_that_of_prometheus_client_byte_for_byte(tmp_path: Path) -> None:
    for value in ("3", "1", "2"):
        subprocess.run(
            [sys.executable, "-c", WORKER, value],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            check=True,
            timeout=60,
        )
    files = worker_files(tmp_path)
    assert len(files) == 13 * 3
    theirs = MultiProcessCollector(CollectorRegistry(), str(tmp_path)).merge(  # type: ignore[no-untyped-call]
        [str(file.path) for file in files]
    )
    ours = families((file.kind, file.process, read(file.path)) for file in files)
    assert written(ours) == written(list(theirs))
    assert 'runs_total{a="x",model="als"} 6.0' in written(ours)


KEYS = st.sampled_from([f'["m", "m", {{"l": "{label}"}}, "Help."]' for label in "abc"])
VALUES = st.dictionaries(KEYS, st.tuples(st.integers(0, 9) | st.just(math.nan), st.integers(1, 99)))


@pytest.mark.parametrize("mode", ["min", "max", "sum", "mostrecent", "livesum"])
@given(processes=st.lists(VALUES, max_size=5), cut=st.integers(0, 5))
def test_folding_some_processes_first_changes_nothing(mode: str, processes: list[Values], cut: int) -> None:
    kind = Kind("gauge", mode)
    # Two processes that write in the same instant leave it open which is the more recent.
    stamped = [
        {key: (float(value), stamp + number / 10) for key, (value, stamp) in values.items()}
        for number, values in enumerate(processes)
    ]
    at_once: Values = {}
    for values in stamped:
        merge(kind, at_once, values)
    folded: Values = {}
    for values in stamped[:cut]:
        merge(kind, folded, values)
    rest: Values = {}
    for values in (*stamped[cut:], folded):
        merge(kind, rest, values)
    assert {key: repr(value) for key, (value, _) in rest.items()} == {
        key: repr(value) for key, (value, _) in at_once.items()
    }


@pytest.mark.parametrize(
    ("mode", "told", "expected"),
    [
        ("livemax", [1.0, math.nan], 1.0),
        ("livemax", [math.nan, 1.0], 1.0),
        ("max", [math.nan, math.nan], None),
        ("livesum", [2.0, math.nan, 3.0], 5.0),
        ("min", [math.nan, 4.0], 4.0),
        ("mostrecent", [1.0, math.nan], math.nan),
        ("mostrecent", [math.nan, 1.0], 1.0),
    ],
)
def test_a_process_that_forgot_a_gauge_has_no_say(
    mode: str, told: list[float], expected: float | None
) -> None:
    total: Values = {}
    for stamp, value in enumerate(told, start=1):
        merge(Kind("gauge", mode), total, {"key": (value, float(stamp))})
    assert repr(total.get("key", (None, 0))[0]) == repr(expected)


@given(values=st.dictionaries(st.text(max_size=40), st.tuples(st.floats(), st.floats(0, 2e9)), max_size=50))
def test_what_is_written_is_read_again(tmp_path: Path, values: Values) -> None:
    path = tmp_path / "counter_ended.db"
    write(path, values)
    assert {key: repr(value) for key, value in read(path).items()} == {
        key: repr(value) for key, value in values.items()
    }


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    path.write_bytes(b"\x40\x00\x00\x00" + b"\xff" * 60)
    with pytest.raises(ValueError, match=r"counter_1\.db is damaged: .*; remove it"):
        read(path)


def test_names_of_files_say_what_they_hold(tmp_path: Path) -> None:
    for name in ("counter_12.db", "gauge_livemax_12.db", "gauge_12.db", "other.db", "histogram_ended.db"):
        (tmp_path / name).touch()
    assert [(file.kind, file.process) for file in worker_files(tmp_path)] == [
        (Kind("counter"), "12"),
        (Kind("gauge", "livemax"), "12"),
        (Kind("histogram"), "ended"),
    ]
    assert (Kind("gauge", "liveall").live, Kind("gauge", "liveall").by_process) == (True, True)
    assert (Kind("gauge", "max").live, Kind("gauge", "max").by_process) == (False, False)


def test_the_room_is_taken_before_the_file_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "counter_ended.db"
    values: Values = {
        f'["runs_total", "runs_total", {{"a": "{number}"}}, "Runs."]': (1.0, 0.0) for number in range(200)
    }
    write(path, values)
    state = path.stat()
    assert read(path) == values
    # Had the file been left to prometheus_client, it would be 64 KiB with holes.
    assert state.st_size < 1 << 15
    assert state.st_blocks * 512 >= state.st_size


FULL = """
import sys
from pathlib import Path
from recwatch.worker_files import write

folder = Path(sys.argv[1])
with open(folder / "fill", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
try:
    write(folder / "counter_ended.db", {"x" * 8000: (1.0, 0.0)})
except OSError as error:
    print(error.strerror)
"""


def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("no mount of our own can be made here: the kernel forbids user namespaces")
    script = f'mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec {sys.executable} -c "$CODE" {tmp_path}'
    result = subprocess.run(
        [*unshare, "sh", "-c", script],
        env={**os.environ, "CODE": FULL},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "No space left on device\n"), result.stderr
