"""What docs/metrics.md says that Prometheus and Alertmanager export of themselves, asked of real ones."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from recwatch.testing import wait_until
from recwatch_local.layout import Layout, prepare
from recwatch_local.paths import ROOT
from recwatch_local.ports import Ports, free_ports
from recwatch_local.programs import programs
from recwatch_local.tools import Tools

pytestmark = pytest.mark.all

_SECTION = re.compile(r"^## Not ours\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"`([a-z_]+)`")
_QUERY = re.compile(r"```promql\n(.*?)\n\s*```", re.DOTALL)
_IN_QUERY = re.compile(r"\b(?:prometheus|alertmanager|scrape|process)_[a-z_]+\b")


@dataclass
class Stack:
    """Prometheus and Alertmanager with the shipped files, their minutes made seconds."""

    ports: Ports
    processes: dict[str, subprocess.Popen[bytes]]

    def value(self, query: str) -> float | None:
        """What a query gives, summed; None where it gives nothing."""
        answer = requests.get(
            f"{self.ports.url('prometheus')}/api/v1/query", params={"query": f"sum({query})"}, timeout=10
        )
        answer.raise_for_status()
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def is_above_0(self, query: str) -> bool:
        try:
            return (self.value(query) or 0) > 0
        except (requests.ConnectionError, requests.HTTPError):
            return False  # not up yet


@pytest.fixture
def stack(tools: Tools, tmp_path: Path) -> Iterator[Stack]:
    ports = free_ports()
    layout = Layout(home=tmp_path / "home", run=tmp_path / "run")
    prepare(layout, ports, {"prometheus": 60.0, "alertmanager": 60.0})
    # What Prometheus sends before it has found Alertmanager is lost, and comes again after a minute.
    more = {"prometheus": ["--rules.alert.resend-delay=1s"], "alertmanager": []}
    started = Stack(ports, {})
    for program in programs(layout, ports, tools):
        if program.name in more:
            with (layout.logs / f"{program.name}.log").open("wb") as output:
                started.processes[program.name] = subprocess.Popen(
                    [*program.argv, *more[program.name]],
                    cwd=layout.run / program.folder,
                    stdout=output,
                    stderr=output,
                )
    yield started
    for process in started.processes.values():
        process.kill()
        process.wait()


def documented() -> set[str]:
    """What docs/metrics.md names, and what the queries of runbooks ask."""
    section = _SECTION.search((ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"))
    assert section is not None
    listed = {
        name
        for item in re.split(r"^- ", section[1], flags=re.MULTILINE)
        if item.startswith(("Prometheus: ", "Alertmanager: ", "every process: "))
        for name in _NAME.findall(item.split("\n\n")[0])
    }
    asked = {
        name
        for file in (ROOT / "docs" / "runbooks").glob("*.md")
        for query in _QUERY.findall(file.read_text(encoding="utf-8"))
        for name in _IN_QUERY.findall(query)
    }
    assert len(listed) > 15
    assert len(asked) > 15
    return listed | asked


def test_what_rules_and_runbooks_read_of_prometheus_and_alertmanager_is_there(stack: Stack) -> None:
    wait_until(lambda: stack.is_above_0('prometheus_notifications_sent_total{job="prometheus"}'), timeout=60)
    wait_until(lambda: stack.is_above_0('up{job="alertmanager"}'), timeout=60)

    missing = {name for name in documented() if stack.value(f"count({name})") is None}

    assert missing == set()
    # Failures are counted from 0 on, or the first would be no increase.
    assert stack.value('count(alertmanager_notifications_failed_total{integration="webhook"})') is not None


def test_alerts_that_are_lost_count_as_sent_too(stack: Stack) -> None:
    """AlertmanagerUnreachable divides the one by the other."""
    sent, lost = "prometheus_notifications_sent_total", "prometheus_notifications_errors_total"
    wait_until(lambda: stack.is_above_0(sent), timeout=60)

    stack.processes["alertmanager"].kill()
    stack.processes["alertmanager"].wait()
    wait_until(lambda: stack.is_above_0(lost), timeout=60)

    before = stack.value(lost) or 0
    wait_until(lambda: stack.is_above_0(f"sum({lost}) > {before}"), timeout=60)
    assert stack.is_above_0(f"sum({sent}) >= sum({lost})")
    assert stack.is_above_0(
        f"sum by (service, alertmanager) ({lost}) / (sum by (service, alertmanager) ({sent}) > 0)"
    )
