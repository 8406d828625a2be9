"""`make reload` with a real Prometheus, as `make up` starts it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from recwatch.testing import wait_until
from recwatch_local.layout import Layout, prepare
from recwatch_local.ports import Ports, free_ports
from recwatch_local.programs import programs
from recwatch_local.reload import reload
from recwatch_local.stack import answers
from recwatch_local.supervisor import MARK
from recwatch_local.tools import Tools


@pytest.fixture
def ports() -> Ports:
    return free_ports()


@pytest.fixture
def layout(tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A run's files, with folders of its own for what users write."""
    monkeypatch.setenv("RECWATCH_HOME", str(tmp_path))
    placed = Layout(home=tmp_path, run=tmp_path / ".run" / "up")
    prepare(placed, ports)
    for name in ("thresholds", "services"):
        folder = placed.prometheus_config.parent / name
        folder.unlink()
        folder.mkdir()
    return placed


@pytest.fixture
def url(layout: Layout, ports: Ports, tools: Tools) -> Iterator[str]:
    (part,) = (part for part in programs(layout, ports, tools) if part.name == "prometheus")
    with (layout.run / "log").open("w") as log:
        process = subprocess.Popen(
            part.argv, cwd=layout.run, env={**os.environ, MARK: str(layout.run)}, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: answers(ports.url("prometheus") + part.ready), timeout=60)
            yield ports.url("prometheus")
        finally:
            process.terminate()
            process.wait(30)


def _own(url: str) -> list[str]:
    groups = requests.get(f"{url}/api/v1/rules", timeout=5).json()["data"]["groups"]
    return [rule["query"] for group in groups if "/thresholds/" in group["file"] for rule in group["rules"]]


def _write(layout: Layout, value: str) -> None:
    labels = {"alert": "RecommenderLatencyHigh"}
    rule = {"record": "alert_model:threshold:own", "labels": labels, "expr": value}
    text = yaml.safe_dump({"groups": [{"name": "thresholds", "rules": [rule]}]})
    (layout.prometheus_config.parent / "thresholds" / "own.yml").write_text(text, encoding="utf-8")


def test_a_threshold_is_loaded_and_one_that_cannot_be_read_is_not(layout: Layout, url: str) -> None:
    said: list[str] = []
    _write(layout, "vector(0.3)")
    assert reload(said.append) == 0
    assert said == ["prometheus reads its configuration again"]
    wait_until(lambda: _own(url) == ["vector(0.3)"], timeout=30)

    said.clear()
    _write(layout, "vector(0.4")
    assert reload(said.append) == 1
    assert "own.yml" in said[0]
    assert said[1] == "nothing was loaded: the configuration of prometheus is wrong"
    assert _own(url) == ["vector(0.3)"]


def test_a_service_of_ones_own_is_watched_without_a_reload(layout: Layout, url: str) -> None:
    target = [{"targets": ["127.0.0.1:1"], "labels": {"job": "recommender", "service": "shop"}}]
    file = layout.prometheus_config.parent / "services" / "shop.yml"
    file.write_text(yaml.safe_dump(target), encoding="utf-8")

    def services() -> set[str]:
        answer = requests.get(f"{url}/api/v1/targets", timeout=5).json()
        return {target["labels"]["service"] for target in answer["data"]["activeTargets"]}

    wait_until(lambda: "shop" in services(), timeout=30)


@pytest.mark.usefixtures("layout")
def test_without_a_stack_it_says_so() -> None:
    said: list[str] = []
    assert reload(said.append) == 1
    assert said == ["no stack of `make up` is running"]
