import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client import CollectorRegistry

from recwatch.testing import free_port, wait_until
from recwatch_local.tools import Tools


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


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
