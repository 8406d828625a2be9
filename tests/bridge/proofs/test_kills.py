"""kill -9 at 200 random moments of a storm of 1,000 alerts: nothing lost, nothing trained twice."""

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from recwatch.testing import wait_until

ALERTS = 1_000
KILLS = 200
SEED = 20041


def told(workplace: Any) -> dict[str, list[str]]:
    """The alerts that each sink told of, in the order in which the messages came."""
    texts = {
        "email": [str(mail["Subject"]) for mail in workplace.mail.messages],
        "slack": [str(payload["text"]).splitlines()[0] for payload in workplace.slack.messages],
    }
    return {
        sink: [text.partition("storm-")[2][:4] for text in found if "storm-" in text]
        for sink, found in texts.items()
    }


def repeats_by_life(alerts: list[str], lives: list[int]) -> Counter[int]:
    """How many messages each kill caused to be sent again.

    Args:
        alerts: in the order of arrival.
        lives: how many had arrived when each life of the bridge ended.
    """
    last: dict[str, int] = {}
    caused: Counter[int] = Counter()
    for position, alert in enumerate(alerts):
        if alert in last:
            caused[last[alert]] += 1
        last[alert] = sum(position >= end for end in lives)
    return caused


@pytest.mark.all
@pytest.mark.timeout(1_500)
def test_killed_at_any_moment_of_a_storm(
    *,
    start: Any,
    workplace: Any,
    sender: Any,
    models: dict[str, Any],
    trainings: Callable[[], Any],
    alert: Any,
    group: Any,
) -> None:
    workplace.settings["models"] = models
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    posts = []
    for number in range(ALERTS):
        body = group(
            alert(f"storm-{number:04}", fingerprint=f"f{number}", labels={"model": f"m{number % 5}"})
        )
        posts += [("/notify/email", body), ("/notify/slack", body), ("/actions/retrain", body)]
    bridge = start()
    sender.url = bridge.url
    senders = sender.send_all(posts, pace=0.1)
    arrived: list[dict[str, int]] = []
    moment = threading.Event()
    for kill in range(KILLS):
        moment.wait(chance.uniform(0.0, 1.2))
        bridge.kill()
        moment.wait(0.05)  # what was on its way arrives
        arrived.append({sink: len(alerts) for sink, alerts in told(workplace).items()})
        # Every fourth kill hits a bridge that may not even have begun.
        bridge = start(ready=kill % 4 > 0)
        sender.url = bridge.url
    bridge.kill()
    bridge = start()
    sender.url = bridge.url
    for thread in senders:
        thread.join(600)
    assert sender.refused == []

    wait_until(
        lambda: all(len(set(alerts)) == ALERTS for alerts in told(workplace).values()),
        300,
        what="every alert told",
    )
    database = sqlite3.connect(workplace.folder / "data" / "bridge.db")
    unfinished = "SELECT count(*) FROM runs WHERE finished IS NULL"
    wait_until(lambda: database.execute(unfinished).fetchone() == (0,), 180, what="the end of every run")

    for sink, alerts in told(workplace).items():
        caused = repeats_by_life(alerts, [life[sink] for life in arrived])
        assert max(caused.values(), default=0) <= 1, (sink, caused)
    reasons = {fingerprint for (fingerprint,) in database.execute("SELECT fingerprint FROM reasons")}
    assert reasons == {f"f{number}" for number in range(ALERTS)}
    states = dict(database.execute("SELECT id, state FROM runs"))
    database.close()
    assert set(states.values()) == {"promoted"}
    done = trainings()
    assert Counter(training.run_id for training in done) == Counter(list(states))
    for model in models:
        of_model = sorted((one for one in done if one.model == model), key=lambda one: one.began)
        assert of_model
        for before, after in pairwise(of_model):
            assert before.ended is not None
            assert before.ended <= after.began
