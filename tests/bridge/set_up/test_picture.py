"""The page of a bridge that has done something, as README shows it.

To make the picture anew: RECWATCH_PICTURES=docs/images pytest tests/bridge/set_up/test_picture.py
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from recwatch.testing import SlackServer, wait_until

ALERTS = {
    "DriftDetected": "rating_scale: KS 0.199 is above 0.1",
    "RecommenderLatencyHigh": "p99 of als is 812 ms",
}
_WIDTH, _HEIGHT = 1280, 1000


def pairs(users: int, gain: float) -> list[tuple[float, float]]:
    """What the candidate and the version in service scored, user by user."""
    chance = random.Random(20031)  # noqa: S311 - scores, not secrets
    serving = [max(0.0, chance.gauss(0.18, 0.1)) for _ in range(users)]
    return [(max(0.0, score + chance.gauss(gain, 0.05)), score) for score in serving]


@pytest.mark.all
def test_the_page_shows_what_happened(
    *,
    workplace: Any,
    set_up: Any,
    start: Any,
    secret_of: Any,
    publish: Any,
    slack: SlackServer,
    chromium: Browser,
    alert: Any,
    group: Any,
    tmp_path: Path,
) -> None:
    set_up("A person's approval")
    workplace.settings["external_url"] = None
    workplace.settings["models"]["als"]["cooldown"] = "0"
    workplace.registry.promote(publish(), reason="the first")
    bridge = start()
    _retrain(workplace, bridge, group(_drift(alert, "f1")), gain=0.01)
    [first] = bridge.get("/api/v1/runs")
    _approve(bridge, first["id"], secret_of("ana_token"))
    wait_until(bridge.run_in("promoted"), timeout=90)
    slow = {"fingerprint": "f2", "annotations": {"summary": ALERTS["RecommenderLatencyHigh"]}}
    for sink in ("email", "slack"):
        bridge.post(f"/notify/{sink}", group(_drift(alert, "f1")))
        bridge.post(f"/notify/{sink}", group(alert("RecommenderLatencyHigh", **slow)))
    wait_until(lambda: _states(bridge) == {"delivered"}, timeout=90)
    slack.fail_next(404, body="no_team")
    bridge.post("/notify/slack", group(alert("RecommenderLatencyHigh", status="resolved", **slow)))
    bridge.post("/notify/email", group(alert("RecommenderLatencyHigh", status="resolved", **slow)))
    wait_until(lambda: _states(bridge) == {"delivered", "dead"}, timeout=90)
    _retrain(workplace, bridge, group(_drift(alert, "f3")), gain=0.008)
    wait_until(lambda: "pending" not in _states(bridge), timeout=90)

    folder = Path(os.environ.get("RECWATCH_PICTURES", tmp_path))
    page = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
    page.goto(bridge.url)
    page.get_by_label("Token").fill(secret_of("ana_token"))
    page.get_by_role("button", name="Log in").click()
    for region, text in (
        ("Needs a person", "approving"),
        ("Models", first["version"]),
        ("Retraining runs", ALERTS["DriftDetected"]),
        ("Deliveries", ALERTS["RecommenderLatencyHigh"]),
    ):
        expect(page.get_by_role("region", name=region)).to_contain_text(text)
    page.screenshot(path=folder / "bridge.png")
    page.close()
    assert (folder / "bridge.png").stat().st_size > 10_000


def _drift(alert: Any, fingerprint: str) -> Any:
    return alert(fingerprint=fingerprint, annotations={"summary": ALERTS["DriftDetected"]})


def _retrain(workplace: Any, bridge: Any, body: Any, *, gain: float) -> None:
    scores = pairs(610, gain)
    candidate, serving = (sum(side) / len(scores) for side in zip(*scores, strict=True))
    result = {"metrics": {"ndcg@10": candidate}, "serving_metrics": {"ndcg@10": serving}, "samples": 610}
    workplace.plan(result={**result, "pairs": {"ndcg@10": scores}})
    bridge.post("/actions/retrain", body)
    wait_until(bridge.run_in("approving"), timeout=90)


def _approve(bridge: Any, run_id: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{bridge.url}/api/v1/runs/{run_id}/approve"
    requests.post(url, headers=headers, timeout=20).raise_for_status()


def _states(bridge: Any) -> set[str]:
    return {message["state"] for message in bridge.get("/api/v1/messages")}
