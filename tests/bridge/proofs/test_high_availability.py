"""Two bridges on one PostgreSQL and a highly available pair of real Alertmanagers; one of each is killed."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from recwatch.testing import free_port, wait_until

ALERTS = 100
"""In groups of ten."""
_NUMBER = re.compile(r"storm-(\d{4})")


def post(alertmanager: Any, alerts: list[dict[str, Any]]) -> None:
    requests.post(f"{alertmanager.url}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()


def peers(alertmanager: Any) -> int:
    status = requests.get(f"{alertmanager.url}/api/v2/status", timeout=5).json()
    return len(status["cluster"]["peers"])


def configuration(urls: list[str], token: Path) -> dict[str, Any]:
    """Every message and every action goes to both bridges."""
    http = {"follow_redirects": False, "authorization": {"type": "Bearer", "credentials_file": str(token)}}
    hooks = [
        {"url": f"{url}{path}", "send_resolved": True, "max_alerts": 0, "http_config": http}
        for url in urls
        for path in ("/notify/email", "/notify/slack", "/actions/retrain")
    ]
    route = {
        "receiver": "bridges",
        "group_by": ["alertname"],
        "group_wait": "100ms",
        "group_interval": "1s",
        "repeat_interval": "5s",
    }
    return {"route": route, "receivers": [{"name": "bridges", "webhook_configs": hooks}]}


@pytest.fixture
def begin_pair(run_alertmanager: Any, tmp_path: Path) -> Iterator[Callable[[list[str]], list[Any]]]:
    with ExitStack() as stack:

        def begin(urls: list[str]) -> list[Any]:
            gossip = [f"127.0.0.1:{free_port()}" for _ in range(2)]
            pair = []
            for number, own in enumerate(gossip):
                cluster = (
                    f"--cluster.listen-address={own}",
                    f"--cluster.peer={gossip[1 - number]}",
                    "--cluster.reconnect-interval=1s",
                )
                settings, name = configuration(urls, tmp_path / "token"), f"alertmanager-{number}"
                pair.append(
                    stack.enter_context(run_alertmanager(tmp_path, settings, name=name, cluster=cluster))
                )
            wait_until(lambda: all(peers(one) == 2 for one in pair), 60, what="a pair")
            return pair

        yield begin


def alerts_of(numbers: range, started: datetime, ends: datetime | None = None) -> list[dict[str, Any]]:
    found = []
    for number in numbers:
        labels = {
            "alertname": f"Storm{number // 10}",
            "storm": f"storm-{number:04}",
            "model": f"m{number % 5}",
            "action": "retrain",
        }
        one: dict[str, Any] = {
            "labels": {**labels, "severity": "warning"},
            "annotations": {"summary": "of a storm"},
        }
        one["startsAt"] = started.isoformat()
        one["endsAt"] = (ends or datetime.now(UTC) + timedelta(hours=1)).isoformat()
        found.append(one)
    return found


def told(workplace: Any) -> dict[tuple[str, str], Counter[str]]:
    """How often each sink told of each alert, by what it told."""
    found: dict[tuple[str, str], Counter[str]] = {}
    mails = [
        ("email", str(mail["Subject"]), mail.get_body(("plain",)).get_content())
        for mail in workplace.mail.messages
    ]
    posts = [("slack", payload["text"], yaml.safe_dump(payload)) for payload in workplace.slack.messages]
    for sink, subject, text in [*mails, *posts]:
        status = "resolved" if "[RESOLVED]" in subject else "firing"
        numbers = set(_NUMBER.findall(text))
        if "Storm" in subject.splitlines()[0]:
            found.setdefault((sink, status), Counter()).update(numbers)
    return found


def everything_told(workplace: Any, status: str) -> Callable[[], bool]:
    def check() -> bool:
        found = told(workplace)
        return all(len(found.get((sink, status), ())) == ALERTS for sink in ("email", "slack"))

    return check


@pytest.mark.all
@pytest.mark.timeout(600)
def test_two_bridges_and_two_alertmanagers(
    *,
    start: Any,
    workplace: Any,
    postgresql_url: str,
    models: dict[str, Any],
    trainings: Callable[[], Any],
    begin_pair: Callable[[list[str]], list[Any]],
) -> None:
    workplace.settings |= {"store": postgresql_url, "runs_dir": "runs"}
    workplace.settings["models"] = {name: {**model, "cooldown": "1h"} for name, model in models.items()}
    bridges = [start(), start()]
    pair = begin_pair([bridge.url for bridge in bridges])
    # As of one Prometheus: another start would be another episode, which is told of its own.
    started = datetime.now(UTC) - timedelta(minutes=1)

    for one in pair:
        post(one, alerts_of(range(ALERTS // 2), started))
    wait_until(lambda: told(workplace).get(("slack", "firing")), 60, what="the first message")
    bridges[0].kill()
    for one in pair:
        post(one, alerts_of(range(ALERTS // 2, ALERTS), started))
    wait_until(everything_told(workplace, "firing"), 120, what="every alert told")
    pair[0].kill()
    bridges[0] = start()
    post(pair[1], alerts_of(range(ALERTS), started, ends=datetime.now(UTC)))
    wait_until(everything_told(workplace, "resolved"), 120, what="every resolve told")
    wait_until(lambda: {one.model for one in trainings()} == set(models), 60, what="every model trained")

    repeats = {key: sum(found.values()) - ALERTS for key, found in told(workplace).items()}
    # A killed bridge may have sent one message, of ten alerts, that it could not record.
    assert all(count <= 10 for count in repeats.values()), repeats
    assert Counter(one.model for one in trainings()) == Counter(list(models))
