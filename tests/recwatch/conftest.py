import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from recwatch.serving import RecommenderMetrics, RecommenderRequest
from recwatch.testing import free_port, wait_until
from recwatch_local.tools import Tools


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def dropped(registry: CollectorRegistry) -> Callable[[str, str], float | None]:
    """How many writes were dropped, by target and reason."""

    def count(target: str, reason: str) -> float | None:
        labels = {"target": target, "reason": reason}
        return registry.get_sample_value("recwatch_dropped_writes_total", labels)

    return count


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def pushgateway(tools: Tools) -> Iterator[str]:
    """The address of a real Pushgateway."""
    address = f"127.0.0.1:{free_port()}"
    command = [str(tools.pushgateway), f"--web.listen-address={address}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:

        def ready() -> bool:
            assert process.poll() is None, "the Pushgateway ended"
            try:
                return requests.get(f"http://{address}/-/ready", timeout=5).ok
            except requests.ConnectionError:
                return False

        try:
            wait_until(ready, timeout=30)
            yield address
        finally:
            process.kill()


@pytest.fixture
def pushed_by(pushgateway: str) -> Callable[[str, str, str], dict[tuple[str, ...], float]]:
    """What the Pushgateway holds of a job where a label has a value: (name, other labels ...) to value."""

    def read(job: str, label: str, value: str) -> dict[tuple[str, ...], float]:
        page = requests.get(f"http://{pushgateway}/metrics", timeout=10).text
        found = {}
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                labels = dict(sample.labels)
                if labels.pop(label, None) == value:
                    assert labels.pop("job") == job
                    labels.pop("instance")
                    found[sample.name, *labels.values()] = sample.value
        return found

    return read


class Served:
    """An application of `apps/` on a real server."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def get(self, path: str) -> requests.Response:
        # A connection of its own for each request, so that any worker may take it.
        return requests.get(f"{self.url}{path}", headers={"Connection": "close"}, timeout=30)

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        response = self.get("/metrics")
        assert response.status_code == 200, response.text
        families = list(text_string_to_metric_families(response.text))
        found = [sample for family in families for sample in family.samples]
        samples = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}
        assert len(samples) == len(found), "a series stands twice"
        return samples

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples().get((name, frozenset(labels.items())))

    def stop(self) -> None:
        """End the server and its workers."""
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start `python -m <arguments> <address option> ...` in the folder of the applications."""
    running: list[Served] = []

    def start(*arguments: str, folder: Path | None = None) -> Served:
        port = free_port()
        address = [f"--bind=127.0.0.1:{port}"] if arguments[0] == "gunicorn" else [f"--port={port}"]
        environment = {key: value for key, value in os.environ.items() if key != "PROMETHEUS_MULTIPROC_DIR"}
        if folder is not None:
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        log = tmp_path / f"server-{len(running)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments, *address],
                cwd=Path(__file__).parent / "apps",
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        served = Served(process, f"http://127.0.0.1:{port}", log)
        running.append(served)

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return served.get("/metrics").status_code == 200
            except requests.ConnectionError:
                return False

        wait_until(ready, timeout=60, what="the server")
        return served

    yield start
    for served in running:
        served.stop()


MakeRequest = Callable[..., RecommenderRequest]


@pytest.fixture
def make_request() -> MakeRequest:
    """Makes the record of a request that is over: `make_request("als", user_id=1, timestamp=0.0, ...)`."""
    registry = CollectorRegistry()

    def make(model: str = "als", variant: str = "default", **values: Any) -> RecommenderRequest:
        request = RecommenderMetrics(model, variant=variant, registry=registry).request()
        for name, value in values.items():
            setattr(request, name, value)
        return request

    return make


@pytest.fixture
def in_hanoi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time is seven hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
