import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from prometheus_client import CollectorRegistry

from recwatch.testing import wait_until
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.metrics import DriftCollector
from recwatch_exporter.run import run_check
from recwatch_exporter.web.app import create_app

TOKEN = "made-up"
CHECK = {
    "name": "ratings",
    "type": "ks",
    "column": "rating",
    "threshold": 0.1,
    "min_rows": 2,
    "reference": {"path": "ref.parquet"},
    "current": {"path": "cur.parquet"},
}
Serve = Callable[..., str]


@pytest.fixture
def serve(write: Callable[..., Path], config_file: Callable[..., Path]) -> Iterator[Serve]:
    """Serve an exporter of one check on a free port; gives its URL."""
    for name in ("ref.parquet", "cur.parquet"):
        write(name, rating=[1.0, 2.0])
    exporter = Exporter(config_file(CHECK), run=run_check)
    exporter.start()
    wait_until(lambda: all(state.success for state in exporter.state.all()))
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def begin(token: str | None = TOKEN) -> str:
        registry = CollectorRegistry()
        registry.register(DriftCollector(exporter.state, exporter.reload_status))
        app = create_app(exporter, registry, token)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        wait_until(lambda: server.started)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield begin
    for server, thread in running:
        server.should_exit = True
        thread.join()
    exporter.stop()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_what_anybody_may_ask(serve: Serve) -> None:
    url = serve()

    metrics = requests.get(f"{url}/metrics", timeout=10)
    assert metrics.status_code == 200
    assert 'drift_check_success{check="ratings"} 1.0' in metrics.text
    for path in ("/-/healthy", "/-/ready"):
        assert requests.get(f"{url}{path}", timeout=10).status_code == 200
    (check,) = requests.get(f"{url}/api/v1/checks", timeout=10).json()
    assert (check["check"], check["statistic"], check["p_value"], check["detected"]) == (
        "ratings",
        0.0,
        1.0,
        False,
    )


def test_commands_need_the_token(serve: Serve) -> None:
    url = serve()

    for path in ("/-/reload", "/-/run/ratings"):
        for headers in (
            {},
            bearer("wrong"),
            {"Authorization": TOKEN},
            {"Authorization": "Bearer ü".encode()},
        ):
            refused = requests.post(f"{url}{path}", headers=headers, timeout=10)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert requests.get(f"{url}{path}", headers=bearer(TOKEN), timeout=10).status_code == 405


@pytest.mark.parametrize("token", [TOKEN, "tökén-\N{SNOWMAN}"])
def test_the_token_is_compared_byte_by_byte_and_its_scheme_in_any_case(serve: Serve, token: str) -> None:
    url = serve(token)

    for scheme in ("Bearer", "bearer", "BEARER "):
        answer = requests.post(
            f"{url}/-/run/ratings", headers={"Authorization": f"{scheme} {token}".encode()}, timeout=10
        )
        assert answer.status_code == 202
    for given in (f"Basic {token}", f"Bearer {token}x", f"Bearer{token}", f"Bearer {token} {token}"):
        answer = requests.post(f"{url}/-/run/ratings", headers={"Authorization": given.encode()}, timeout=10)
        assert answer.status_code == 401


def test_without_a_token_file_commands_are_refused(serve: Serve) -> None:
    refused = requests.post(f"{serve(None)}/-/reload", headers=bearer("None"), timeout=10)

    assert (refused.status_code, refused.text) == (403, "refused: start the exporter with --web.token-file\n")


def test_run_and_reload(serve: Serve, config_file: Callable[..., Path]) -> None:
    url = serve()

    def post(path: str) -> requests.Response:
        return requests.post(f"{url}{path}", headers=bearer(TOKEN), timeout=10)

    assert post("/-/run/ratings").status_code == 202
    unknown = post("/-/run/nothing")
    assert (unknown.status_code, unknown.text) == (404, "no check of that name: choose one of ratings\n")

    assert post("/-/reload").status_code == 200
    config_file({**CHECK, "type": "nothing"})
    bad = post("/-/reload")
    assert bad.status_code == 400
    assert "type: give one of " in bad.text
    metrics = requests.get(f"{url}/metrics", timeout=10).text
    assert "drift_exporter_config_last_reload_successful 0.0" in metrics
    assert post("/-/run/ratings").status_code == 202
