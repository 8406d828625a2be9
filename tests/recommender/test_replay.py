import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import requests
from prometheus_client import CollectorRegistry

from recommender.data import load_movielens
from recommender.factors import FactorModel
from recommender.interactions import CLICK, RATING, Interactions, batches, read_interactions
from recommender.paths import Home
from recommender.player import ServiceClient
from recommender.replay import parse
from recommender.settings import Settings
from recwatch.testing import free_port, wait_until


class Running(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def http(self) -> requests.Session: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]
PublishModel = Callable[[Home, FactorModel], str]


@contextmanager
def replaying(home: Home, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "recommender.replay", "--home", str(home.root), *arguments]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RECWATCH_")}
    with subprocess.Popen(
        command, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def position(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(home.replay_position.read_text())
    return found


def keys(interactions: Interactions) -> list[tuple[int, int, float, int]]:
    times = interactions.timestamp.astype(np.int64)
    columns = (interactions.user_id, interactions.item_id, interactions.rating, times)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_a_few_days_arrive_as_they_happened(
    serve: Serve,
    home: Home,
    publish_model: PublishModel,
    trained: FactorModel,
    registry: CollectorRegistry,
) -> None:
    publish_model(home, trained)
    with serve(Settings(home, flush_seconds=0.05)) as service:
        pace = ["--days-per-second", "1000", "--max-per-second", "1000"]
        days = ["--from", "2003-05-01", "--until", "2003-05-14"]
        with replaying(home, "--url", service.url, *days, *pace) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    log = read_interactions(batches(home.interactions))
    ratings, _ = load_movielens()
    expected = ratings.between(np.datetime64("2003-05-01"), np.datetime64("2003-05-14"))
    assert keys(log.take(log.event == RATING)) == keys(expected)
    found = position(home)
    assert json.loads(output.splitlines()[-1]) == found
    assert (found["sent"], found["errors"], found["finished"]) == (len(expected), 0, True)
    clicks = log.take(log.event == CLICK)
    assert len(clicks) == found["clicks"] > 0
    pairs = set(zip(ratings.user_id.tolist(), ratings.item_id.tolist(), strict=True))
    assert set(zip(clicks.user_id.tolist(), clicks.item_id.tolist(), strict=True)) <= pairs
    arm = {"model": "als", "variant": "default"}
    asked = registry.get_sample_value("recommender_requests_total", {**arm, "outcome": "success"})
    assert asked == found["requests"]
    assert registry.get_sample_value("recommender_clicks_total", arm) == found["clicks"]


def test_sigterm_ends_a_replay_with_its_position(
    serve: Serve, home: Home, publish_model: PublishModel, trained: FactorModel
) -> None:
    publish_model(home, trained)
    with serve(Settings(home)) as service:
        with replaying(home, "--url", service.url, "--days-per-second", "5") as process:
            wait_until(lambda: home.replay_position.exists() and position(home)["sent"] > 0, timeout=60)
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    found = position(home)
    assert json.loads(output.splitlines()[-1]) == found
    assert found["finished"] is False
    log = read_interactions(batches(home.interactions))
    assert (log.event == RATING).sum() == found["sent"]


def test_a_service_that_is_away_costs_errors_and_not_the_replay(home: Home) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    days = ["--from", "2003-05-01", "--until", "2003-05-02"]
    with replaying(home, "--url", url, *days, "--days-per-second", "1000") as process:
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    ratings, _ = load_movielens()
    count = len(ratings.between(np.datetime64("2003-05-01"), np.datetime64("2003-05-02")))
    assert count > 0
    found = position(home)
    assert (found["sent"], found["finished"]) == (0, True)
    assert found["errors"] > count


def test_what_the_service_refuses_is_not_tried_again(serve: Serve, home: Home) -> None:
    with serve(Settings(home)) as service, ServiceClient(service.url) as client:
        assert client.post("/recommend", {"user_id": "nobody"}) is None
        assert client.post("/recommend", {"user_id": 1}) is not None
        text = service.http.get(f"{service.url}/metrics", timeout=20).text
    assert 'http_requests_total{method="POST",route="/recommend",status="422"} 1.0' in text


@pytest.mark.parametrize("value", ["0", "-1", "inf", "fast"])
def test_a_pace_must_be_a_positive_number(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--days-per-second", value])
    assert "--days-per-second" in capsys.readouterr().err


def test_the_defaults_are_those_of_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECWATCH_HOME", "/var/lib/recwatch")
    options = parse([])
    assert options.home.root == Path("/var/lib/recwatch")
    assert options.start.date().isoformat() == "2003-05-01"
    assert (options.days_per_second, options.max_per_second, options.until) == (1.0, 20.0, None)
