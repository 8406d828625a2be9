import asyncio
import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from recwatch.recorder import Recorder
from recwatch.serving import RecommenderMetrics, RecommenderRequest
from recwatch.testing import wait_until

NEVER = 3600.0
"""An interval that no test waits for."""
SERVICE = """
import os
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from recwatch.recorder import Recorder
from recwatch.serving import RecommenderMetrics

class Lines:
    name = "lines"

    def take(self, requests):
        with Path(sys.argv[1]).open("a") as file:
            file.writelines(f"{os.getpid()} {request.user_id}\\n" for request in requests)

    def close(self):
        with Path(sys.argv[1]).open("a") as file:
            file.write(f"{os.getpid()} closed\\n")

registry = CollectorRegistry()
recorder = Recorder([Lines()], interval=float(sys.argv[2]), registry=registry)
metrics = RecommenderMetrics("als", recorder=recorder, registry=registry)

def serve(user):
    with metrics.request(user):
        pass
"""


class Taking:
    """A consumer that keeps what it takes, fails where it is told to and waits at a gate."""

    def __init__(self, name: str = "taking", fails: Callable[[int], bool] = lambda _: False) -> None:
        self.name = name
        self.batches: list[list[RecommenderRequest]] = []
        self.closed = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self._fails = fails
        self._calls = itertools.count()

    @property
    def users(self) -> list[int | str | None]:
        return [request.user_id for batch in self.batches for request in batch]

    def take(self, requests: Sequence[RecommenderRequest]) -> None:
        self.entered.set()
        assert self.gate.wait(30)
        if self._fails(next(self._calls)):
            raise OSError("no space left")
        self.batches.append(list(requests))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def taking() -> Taking:
    return Taking()


@pytest.fixture
def make(registry: CollectorRegistry) -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def make(*consumers: Taking, interval: float = NEVER, capacity: int = 100) -> Recorder:
        made.append(Recorder(consumers, interval=interval, capacity=capacity, registry=registry))
        return made[-1]

    yield make
    for recorder in made:
        for consumer in recorder.consumers:
            if isinstance(consumer, Taking):
                consumer.gate.set()
        assert recorder.close(30)


def drops(registry: CollectorRegistry, target: str, reason: str) -> float | None:
    labels = {"target": target, "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def request(metrics: RecommenderMetrics, user: int) -> RecommenderRequest:
    return metrics.request(user)


@pytest.fixture
def unrecorded() -> RecommenderMetrics:
    return RecommenderMetrics("als", registry=CollectorRegistry())


def put(recorder: Recorder, metrics: RecommenderMetrics, users: Sequence[int]) -> None:
    for user in users:
        recorder.put(metrics.request(user))


def test_what_can_be_dropped_is_exported_at_zero(
    registry: CollectorRegistry, make: Callable[..., Recorder], taking: Taking
) -> None:
    make(taking)
    for target, reason in (("recorder", "full"), ("recorder", "closed"), ("taking", "error")):
        assert drops(registry, target, reason) == 0


def test_a_record_is_handed_over_after_an_interval(
    make: Callable[..., Recorder], taking: Taking, registry: CollectorRegistry
) -> None:
    metrics = RecommenderMetrics("als", recorder=make(taking, interval=0.01), registry=registry)
    with metrics.request(7, topk=2, request_id="r1") as request:
        request.returned([4, 5], scores=[0.5, 0.25])
    wait_until(lambda: taking.users == [7], timeout=30)
    (record,) = taking.batches[0]
    assert (record.outcome, record.items, record.item_scores) == ("success", (4, 5), (0.5, 0.25))


def test_flush_waits_for_every_consumer_in_order(
    make: Callable[..., Recorder], unrecorded: RecommenderMetrics
) -> None:
    first, second = Taking("first"), Taking("second")
    recorder = make(first, second)
    assert recorder.flush(30)
    put(recorder, unrecorded, range(10))
    assert recorder.flush(30)
    assert first.users == second.users == list(range(10))
    assert recorder.flush(30)


def test_flush_gives_up_in_time(
    make: Callable[..., Recorder], taking: Taking, unrecorded: RecommenderMetrics
) -> None:
    recorder = make(taking)
    taking.gate.clear()
    put(recorder, unrecorded, [1])
    assert not recorder.flush(0.01)
    taking.gate.set()
    assert recorder.flush(30)


def test_a_full_queue_drops_and_counts(
    make: Callable[..., Recorder],
    taking: Taking,
    unrecorded: RecommenderMetrics,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = make(taking, capacity=10)
    taking.gate.clear()
    put(recorder, unrecorded, [0])
    assert not recorder.flush(0)
    assert taking.entered.wait(30)
    put(recorder, unrecorded, range(1, 16))
    assert drops(registry, "recorder", "full") == 5
    assert caplog.text.count("target=recorder, reason=full") == 1
    taking.gate.set()
    assert recorder.flush(30)
    assert taking.users == list(range(11))


def test_a_burst_does_not_wait_for_the_interval(
    make: Callable[..., Recorder], taking: Taking, unrecorded: RecommenderMetrics
) -> None:
    recorder = make(taking, capacity=10)
    put(recorder, unrecorded, range(6))
    wait_until(lambda: taking.users == list(range(6)), timeout=30)


def test_a_consumer_that_fails_costs_its_batch_only(
    make: Callable[..., Recorder],
    unrecorded: RecommenderMetrics,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing, other = Taking("failing", fails=lambda call: call < 2), Taking("other")
    recorder = make(failing, other)
    for begin in (0, 3, 6):
        put(recorder, unrecorded, range(begin, begin + 3))
        assert recorder.flush(30)
    assert failing.users == [6, 7, 8]
    assert other.users == list(range(9))
    assert drops(registry, "failing", "error") == 6
    assert caplog.text.count("target=failing") == 1


def test_after_closing_everything_is_dropped_and_counted(
    make: Callable[..., Recorder], taking: Taking, unrecorded: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    recorder = make(taking)
    put(recorder, unrecorded, [1, 2])
    assert recorder.close(30)
    assert (taking.users, taking.closed) == ([1, 2], 1)
    put(recorder, unrecorded, [3])
    assert drops(registry, "recorder", "closed") == 1
    assert recorder.close(30)
    assert recorder.flush(30)
    assert (taking.users, taking.closed) == ([1, 2], 1)


def test_a_recorder_without_records_closes_its_consumers(
    make: Callable[..., Recorder], taking: Taking
) -> None:
    assert make(taking).close(30)
    assert taking.closed == 1


def test_closing_gives_up_on_a_consumer_that_hangs(
    make: Callable[..., Recorder], taking: Taking, unrecorded: RecommenderMetrics, registry: CollectorRegistry
) -> None:
    recorder = make(taking)
    taking.gate.clear()
    put(recorder, unrecorded, [1])
    assert not recorder.flush(0)
    assert taking.entered.wait(30)
    put(recorder, unrecorded, [2, 3])
    assert not recorder.close(0.01)
    assert drops(registry, "recorder", "closed") == 2
    taking.gate.set()
    wait_until(lambda: recorder.close(0), timeout=30)
    assert taking.users == [1]


def test_what_a_consumer_raises_when_closed_is_logged(
    make: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Taking):
        def close(self) -> None:
            raise OSError("still busy")

    last = Taking("last")
    assert make(Stuck("stuck"), last).close(30)
    assert "still busy" in caplog.text
    assert last.closed == 1


@given(
    steps=st.lists(st.sampled_from(["put", "flush", "close"]), max_size=40),
    capacity=st.integers(1, 8),
    failures=st.sets(st.integers(0, 10)),
)
def test_each_record_reaches_each_consumer_once_and_in_order_or_is_counted(
    steps: list[str], capacity: int, failures: set[int]
) -> None:
    registry = CollectorRegistry()
    metrics = RecommenderMetrics("als", registry=registry)
    first, second = Taking("first", fails=lambda call: call in failures), Taking("second")
    recorder = Recorder([first, second], interval=NEVER, capacity=capacity, registry=registry)
    users = itertools.count()
    for step in steps:
        if step == "put":
            recorder.put(metrics.request(next(users)))
        else:
            assert recorder.flush(30) if step == "flush" else recorder.close(30)
    assert recorder.close(30)
    lost = (drops(registry, "recorder", "full") or 0) + (drops(registry, "recorder", "closed") or 0)
    assert len(second.users) + lost == next(users)
    assert second.users == sorted(set(second.users), key=int)  # type: ignore[arg-type]
    missing = [user for user in second.users if user not in first.users]
    assert first.users == [user for user in second.users if user not in missing]
    assert drops(registry, "first", "error") == len(missing)


def test_many_threads_lose_nothing(
    make: Callable[..., Recorder], taking: Taking, registry: CollectorRegistry
) -> None:
    recorder = make(taking, interval=0.001, capacity=100_000)
    metrics = RecommenderMetrics("als", recorder=recorder, registry=registry)

    def serve(thread: int) -> None:
        for number in range(500):
            with metrics.request(thread * 1_000 + number) as request:
                request.returned([number])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(serve, range(8)))
    assert recorder.flush(30)
    users = [int(user or 0) for user in taking.users]
    assert sorted(users) == [thread * 1_000 + number for thread in range(8) for number in range(500)]
    for thread in range(8):
        mine = [user for user in users if user // 1_000 == thread]
        assert mine == sorted(mine)


def test_threads_that_put_while_it_closes_are_served_or_counted(registry: CollectorRegistry) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    taking = Taking()
    recorder = Recorder([taking], interval=0.001, registry=registry)
    begun = threading.Barrier(5)

    def serve() -> None:
        begun.wait(30)
        for number in range(3_000):
            recorder.put(metrics.request(number))

    with ThreadPoolExecutor(4) as threads:
        served = [threads.submit(serve) for _ in range(4)]
        begun.wait(30)
        wait_until(lambda: bool(taking.batches), timeout=30)
        assert recorder.close(30)
        for future in served:
            future.result()
    assert len(taking.users) + (drops(registry, "recorder", "closed") or 0) == 12_000


def test_tasks_of_a_loop_and_threads_share_a_recorder(
    make: Callable[..., Recorder], taking: Taking, registry: CollectorRegistry
) -> None:
    recorder = make(taking, interval=0.001)
    metrics = RecommenderMetrics("als", recorder=recorder, registry=registry)
    begun = asyncio.Event()

    async def serve(user: int) -> None:
        with metrics.request(user) as request:
            request.returned(await asyncio.to_thread(nested, user))
            begun.set()
            if user == 0:
                await asyncio.Event().wait()

    def nested(user: int) -> list[int]:
        with metrics.request(user + 100) as request:
            request.returned([user])
        return [user, user]

    async def main() -> None:
        hanging = asyncio.create_task(serve(0))
        await begun.wait()
        await asyncio.gather(*(serve(user) for user in range(1, 20)))
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging

    asyncio.run(main())
    assert recorder.flush(30)
    outcomes = {
        record.user_id: (record.outcome, record.items) for batch in taking.batches for record in batch
    }
    expected = {user: ("success", (user, user)) for user in range(1, 20)}
    inner = {user + 100: ("success", (user,)) for user in range(20)}
    assert outcomes == {**expected, **inner, 0: ("cancelled", (0, 0))}


def run(code: str, file: Path, interval: float = NEVER) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SERVICE + code, str(file), str(interval)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_waits_is_written_at_exit(tmp_path: Path) -> None:
    result = run("serve(1)\nserve(2)\nsys.exit(3)", tmp_path / "lines")
    assert (result.returncode, result.stderr) == (3, "")
    assert [line.split()[1] for line in (tmp_path / "lines").read_text().splitlines()] == ["1", "2", "closed"]


def test_a_consumer_that_hangs_does_not_hang_the_exit(tmp_path: Path) -> None:
    code = """
import threading
from recwatch import lifetime
lifetime.EXIT_SECONDS = 0.1
Lines.take = lambda self, requests: threading.Event().wait()
serve(1)
"""
    result = run(code, tmp_path / "lines", 0.01)
    assert result.returncode == 0
    assert not (tmp_path / "lines").exists()


FORK = """
serve("parent-before")
if warm:
    assert recorder.flush(30)
serve("parent-waiting")
child = os.fork()
if child == 0:
    serve("child")
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
serve("parent-after")
print(os.getpid(), child)
"""


@pytest.mark.parametrize("warm", [True, False], ids=["thread-runs", "thread-unused"])
def test_parent_and_child_of_a_fork_each_write_their_own(tmp_path: Path, warm: bool) -> None:  # noqa: FBT001
    result = run(f"warm = {warm}{FORK}", tmp_path / "lines")
    assert result.returncode == 0, result.stderr
    parent, child = result.stdout.split()
    lines = [line.split() for line in (tmp_path / "lines").read_text().splitlines()]
    of = {pid: [what for writer, what in lines if writer == pid] for pid in (parent, child)}
    assert of == {
        parent: ["parent-before", "parent-waiting", "parent-after", "closed"],
        child: ["child", "closed"],
    }


def test_a_kill_loses_at_most_the_last_interval(tmp_path: Path) -> None:
    code = "serve(1)\nsys.stdin.read(1)\nserve(2)\nos.kill(os.getpid(), 9)"
    lines = tmp_path / "lines"
    command = [sys.executable, "-c", SERVICE + code, str(lines), "0.01"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        wait_until(lambda: lines.exists() and lines.read_text().endswith("1\n"), timeout=30)
        process.stdin.write("x")
        process.stdin.close()
        assert process.wait(30) == -signal.SIGKILL
    written = [line.split()[1] for line in lines.read_text().splitlines()]
    assert written in (["1"], ["1", "2"])


def test_settings_that_make_no_sense_are_refused(registry: CollectorRegistry) -> None:
    for settings in ({"interval": 0.0}, {"capacity": 0}):
        with pytest.raises(ValueError, match="interval must be above 0 seconds and capacity at least 1"):
            Recorder([], registry=registry, **settings)


@pytest.mark.parametrize(
    ("consumers", "settings", "message"),
    [
        (Taking(), {}, r"consumers must be a list, such as Recorder\(\[RequestLog\(...\)\]\); got Taking$"),
        ("taking", {}, r"consumers must be a list, .*; got str$"),
        ([Taking], {}, r"a consumer has a name, take\(requests\) and close\(\); got the class Taking$"),
        ([Taking(), print], {}, "; got builtin_function_or_method$"),
        ([], {"interval": "1s"}, "interval must be a number of seconds; got '1s'$"),
        ([], {"capacity": None}, "capacity must be a number of records; got None$"),
        ([], {"registry": Taking()}, "registry must be a CollectorRegistry; got Taking$"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(consumers: Any, settings: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Recorder(consumers, **{"registry": CollectorRegistry(), **settings})


def test_scores_come_before_the_request_log(registry: CollectorRegistry) -> None:
    log, lines, scores = Taking("requests"), Taking("lines"), Taking("scores")
    with pytest.raises(ValueError, match="put Scores before RequestLog"):
        Recorder([log, scores], registry=registry)
    assert Recorder([lines, scores, log], registry=registry).close() is True


def test_a_recorder_that_nobody_uses_starts_no_thread(make: Callable[..., Recorder], taking: Taking) -> None:
    before = threading.active_count()
    make(taking)
    assert threading.active_count() == before
