import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from recwatch.health import HealthChecks
from recwatch.testing import free_port, wait_until


class Require(Protocol):
    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None: ...


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def health(registry: CollectorRegistry) -> Iterator[HealthChecks]:
    checks = HealthChecks(registry=registry)
    yield checks
    checks.close()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def redis_port(require_component: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real Redis whose password is `right`."""
    program = shutil.which("redis-server")
    require_component("Redis", is_there=program is not None, remedy="apt-get install redis-server")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "right", "--save", ""]
    with subprocess.Popen([str(program), *options], cwd=folder, stdout=subprocess.DEVNULL) as process:

        def listens() -> bool:
            assert process.poll() is None, "the Redis ended"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait_until(listens, timeout=30)
            yield port
        finally:
            process.kill()
