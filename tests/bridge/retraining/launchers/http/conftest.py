"""The three kinds of API behind one face, each with its fake."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing.airflow import AirflowServer
from recwatch.testing.faults import FaultyServer
from recwatch.testing.github import GithubServer
from recwatch.testing.plain import PlainRun, PlainServer
from recwatch_bridge.retraining.launchers.base import Order
from recwatch_bridge.retraining.launchers.http.airflow import AirflowApi
from recwatch_bridge.retraining.launchers.http.client import Client
from recwatch_bridge.retraining.launchers.http.exchange import Api
from recwatch_bridge.retraining.launchers.http.github import GithubApi
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher
from recwatch_bridge.retraining.launchers.http.plain import PlainApi

SECRET = "a-secret-word"
RESULT = {"version": "v2", "metrics": {"ndcg@10": 0.2}, "serving_metrics": None, "samples": 500}


class Ticks:
    """Seconds that only grow, when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class End:
    """A fake service and the API that speaks to it."""

    name: str
    server: FaultyServer
    api: Api
    started: Callable[[], int]
    finish: Callable[[object], None]
    fail: Callable[[], None]
    ticks: Ticks

    def launcher(self, *, timeout: float = 5.0, poll: float = 0.0) -> HttpLauncher:
        """A launcher as a bridge makes it when it starts."""
        client = Client(timeout=timeout)
        return HttpLauncher(self.api, poll=poll, client=client, patience=60.0, monotonic=self.ticks)


@contextmanager
def _github() -> Iterator[End]:
    with GithubServer(token=SECRET) as server:
        api = GithubApi(
            server.url, repository="example/shop", workflow="retrain.yml", ref="main", token=SECRET
        )

        def finish(result: object) -> None:
            server.runs[-1].finish(result=result)

        def fail() -> None:
            server.runs[-1].finish("failure")

        yield End("github", server, api, lambda: len(server.runs), finish, fail, Ticks())


@contextmanager
def _airflow(version: Any) -> Iterator[End]:
    with AirflowServer(version=version, password=SECRET) as server:
        api = AirflowApi(
            server.url,
            version=version,
            dag="retrain",
            result_task="result",
            user="recwatch",
            password=SECRET,
        )

        def finish(result: object) -> None:
            server.runs[-1].finish(returned=None if result is None else json.dumps(result))

        def fail() -> None:
            server.runs[-1].finish("failed")

        yield End(f"airflow{version}", server, api, lambda: len(server.runs), finish, fail, Ticks())


@contextmanager
def _plain() -> Iterator[End]:
    with PlainServer(token=SECRET) as server:

        def last() -> PlainRun:
            [run] = server.runs.values()
            return run

        api = PlainApi(server.url, token=SECRET)
        yield End(
            "plain",
            server,
            api,
            lambda: len(server.runs),
            lambda result: last().finish(result),
            lambda: last().fail("no data"),
            Ticks(),
        )


ENDS = {
    "github": _github,
    "airflow2": lambda: _airflow(2),
    "airflow3": lambda: _airflow(3),
    "plain": _plain,
}


@pytest.fixture(params=sorted(ENDS))
def end(request: pytest.FixtureRequest) -> Iterator[End]:
    with ENDS[request.param]() as opened:
        yield opened


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(f"als-{uuid.uuid4().hex}", "als", "rating_scale has drifted", tmp_path / "runs" / "r")
