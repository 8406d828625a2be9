import socket
from collections.abc import Callable

import pytest
import requests
from prometheus_client import CollectorRegistry

from recwatch.training import TrainingRun
from recwatch.training.scrape import MetricsServer

Dropped = Callable[[str, str], float | None]


def test_metrics_are_served_while_the_run_is_open(registry: CollectorRegistry) -> None:
    run = TrainingRun("als", registry=registry, serve_metrics=0)
    assert run.metrics_port is None
    with run:
        url = f"http://127.0.0.1:{run.metrics_port}/metrics"
        run.iteration(1, 3, loss=3.5)
        answer = requests.get(url, timeout=10)
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert 'training_loss{model="als"} 3.5' in answer.text
        assert 'training_in_progress{model="als"} 1.0' in answer.text
        assert "_created" not in answer.text
    assert run.metrics_port is None
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)


@pytest.mark.parametrize("address", [0, "0", "127.0.0.1:0", "localhost:0"])
def test_it_is_served_where_it_is_told(registry: CollectorRegistry, address: int | str) -> None:
    server = MetricsServer(address, registry)
    assert server._server.server_address[0] == "127.0.0.1"
    assert requests.get(f"http://127.0.0.1:{server.port}", timeout=10).ok
    server.close()


@pytest.mark.parametrize("address", ["taken", "nowhere", "host:port", -1, 65536])
def test_an_address_that_cannot_be_had_costs_a_count(
    registry: CollectorRegistry, dropped: Dropped, address: int | str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1] if address == "taken" else address
        with TrainingRun("als", registry=registry, serve_metrics=port) as run:
            assert run.metrics_port is None
    assert run.status == "completed"
    assert dropped("serve_metrics", "unavailable") == 1
