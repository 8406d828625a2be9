"""The real process: real sockets, real kills."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import requests

from recwatch.testing import MailServer, SlackServer, free_port, wait_until

Ask = Callable[[], requests.Response]


def test_alert_reaches_both_ends(
    start: Any, mail: MailServer, slack: SlackServer, alert: Any, group: Any
) -> None:
    bridge = start()
    body = group(alert("RecommenderLatencyHigh", annotations={"summary": "avg 312 ms"}))
    assert bridge.post("/notify/email", body).json()["new"] == 1
    assert bridge.post("/notify/slack", body).json()["new"] == 1
    received = mail.wait_for(lambda _: True)
    assert received["Subject"] == "[WARNING] RecommenderLatencyHigh: avg 312 ms"
    assert slack.wait_for(lambda _: True)["text"].startswith("*[WARNING] RecommenderLatencyHigh: avg 312 ms*")
    wait_until(lambda: {row["state"] for row in bridge.get("/api/v1/messages")} == {"delivered"})
    assert bridge.stop() == 0


def test_repeats_cost_nothing(start: Any, mail: MailServer, alert: Any, group: Any) -> None:
    bridge = start()
    for _ in range(3):
        assert bridge.post("/notify/email", group(alert())).status_code == 200
    bridge.post("/notify/email", group(alert(), alert("Other", fingerprint="f2")))
    mail.wait_for(lambda message: "Other" in message["Subject"])
    assert [message["Subject"] for message in mail.messages] == [
        "[WARNING] DriftDetected: rating_scale has drifted",
        "[WARNING] Other: rating_scale has drifted",
    ]


def test_killed_between_accept_and_delivery(
    start: Any, workplace: Any, slack: SlackServer, alert: Any, group: Any
) -> None:
    port = free_port()
    workplace.settings["sinks"]["email"]["port"] = port
    bridge = start()
    for number in range(5):
        body = group(alert(fingerprint=f"f{number}", annotations={"summary": f"number {number}"}))
        assert bridge.post("/notify/email", body).status_code == 200
    bridge.kill()
    with MailServer(port=port) as mail:
        again = start()
        mail.wait_for(lambda message: "number 4" in message["Subject"])
        wait_until(lambda: all(row["state"] == "delivered" for row in again.get("/api/v1/messages")))
        told = sorted(message["Subject"] for message in mail.messages)
    assert told == [f"[WARNING] DriftDetected: number {number}" for number in range(5)]
    assert slack.messages == []


def test_retraining_from_alert_to_promotion(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    bridge = start()
    answer = bridge.post("/actions/retrain", group(alert())).json()
    wait_until(bridge.run_in("promoted"), timeout=30)
    [run] = bridge.get("/api/v1/runs")
    assert [run["id"]] == answer["runs"] == workplace.starts()
    assert run["reasons"] == ["DriftDetected: rating_scale has drifted"]
    assert run["version"] == workplace.registry.current()
    assert run["gate"]["summary"].startswith("ndcg@10 0.2: no version in service to compare with")
    assert run["started_at"] <= run["finished_at"]
    log = Path(run["log"]).read_text(encoding="utf-8")
    assert log == "reason: DriftDetected: rating_scale has drifted\n"
    for end in (workplace.mail, workplace.slack):
        end.wait_for(lambda message: "Model promoted: als" in str(message))
    started, promoted = workplace.mail.messages
    assert started["Subject"] == "[INFO] Retraining started: als"
    assert promoted["In-Reply-To"] == started["Message-ID"]


def test_trainer_outlives_a_killed_bridge(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    workplace.hold.touch()
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(lambda: len(workplace.starts()) == 1, timeout=30)
    bridge.kill()
    again = start()
    assert again.run_in("running")()
    workplace.hold.unlink()
    wait_until(again.run_in("promoted"), timeout=30)
    assert len(workplace.starts()) == 1


def test_a_run_that_waits_begins_by_what_the_limits_are_after_a_restart(
    start: Any, workplace: Any, alert: Any, group: Any
) -> None:
    workplace.settings["models"]["als"] |= {"cooldown": "0", "max_per_day": 1}
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(bridge.run_in("promoted"), timeout=30)
    bridge.post("/actions/retrain", group(alert(fingerprint="f2")))
    wait_until(bridge.run_in("pending"), timeout=30)
    bridge.kill()
    workplace.settings["models"]["als"]["max_per_day"] = 100
    start()
    wait_until(lambda: len(workplace.starts()) == 2, timeout=30)


def test_trainer_that_died_with_the_bridge(
    start: Any, workplace: Any, mail: MailServer, alert: Any, group: Any
) -> None:
    workplace.hold.touch()
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(lambda: len(workplace.starts()) == 1, timeout=30)
    bridge.kill()
    trainer = _trainer_of(workplace.starts()[0])
    os.killpg(trainer.pid, signal.SIGKILL)
    wait_until(lambda: _has_ended(trainer), timeout=10)
    again = start()
    wait_until(again.run_in("failed"), timeout=30)
    [run] = again.get("/api/v1/runs")
    assert run["error"].startswith("the trainer is gone (found so after a restart of the bridge)")
    mail.wait_for(lambda message: message["Subject"] == "[CRITICAL] Retraining failed: als")


def test_trainer_that_finished_while_the_bridge_was_away(
    start: Any, workplace: Any, alert: Any, group: Any
) -> None:
    workplace.hold.touch()
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(lambda: len(workplace.starts()) == 1, timeout=30)
    bridge.kill()
    trainer = _trainer_of(workplace.starts()[0])
    workplace.hold.unlink()
    wait_until(lambda: _has_ended(trainer), timeout=20)
    again = start()
    wait_until(again.run_in("promoted"), timeout=30)


def test_alerts_during_a_run_join_it(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    workplace.hold.touch()
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    wait_until(bridge.run_in("running"), timeout=30)
    other = alert(fingerprint="f2", annotations={"summary": "popularity has shifted"})
    bridge.post("/actions/retrain", group(alert(), other))
    workplace.hold.unlink()
    wait_until(bridge.run_in("promoted"), timeout=30)
    [run] = bridge.get("/api/v1/runs")
    assert run["reasons"] == [
        "DriftDetected: rating_scale has drifted",
        "DriftDetected: popularity has shifted",
    ]


def test_answers_that_are_no_200(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    workplace.settings["max_body_bytes"] = 2000
    (workplace.folder / "watcher").write_text("looks-only", encoding="utf-8")
    workplace.settings["tokens"].append({"file": "watcher", "scopes": ["manage"]})
    bridge = start()
    body = group(alert())
    answers: list[tuple[Ask, int, str]] = [
        (lambda: bridge.post("/notify/email", body, token="wrong"), 401, "a valid bearer token is needed"),
        (
            lambda: bridge.post("/notify/email", body, token="looks-only"),
            403,
            "this token lacks the scope alerts",
        ),
        (lambda: bridge.post("/notify/pager", body), 404, "no such sink; bridge.yml has: email, slack"),
        (lambda: bridge.post("/notify/email", b"{"), 400, "body: Invalid JSON"),
        (lambda: bridge.post("/notify/email", {"status": "firing"}), 400, "alerts: Field required"),
        (
            lambda: bridge.post("/notify/email", b" " * 2001),
            413,
            "the body is larger than max_body_bytes, 2000",
        ),
        (lambda: requests.get(f"{bridge.url}/api/v1/runs", timeout=5), 401, "a valid bearer token is needed"),
    ]
    for ask, code, reason in answers:
        answer = ask()
        assert (answer.status_code, answer.json()["error"][: len(reason)]) == (code, reason)
    assert bridge.get("/api/v1/messages", token="looks-only") == []


def test_metrics_and_health(start: Any, mail: MailServer, alert: Any, group: Any) -> None:
    bridge = start()
    bridge.post("/notify/email", group(alert()))
    mail.wait_for(lambda _: True)
    assert requests.get(f"{bridge.url}/-/healthy", timeout=5).text == "healthy\n"

    def shown() -> str:
        return requests.get(f"{bridge.url}/metrics", timeout=5).text

    wait_until(lambda: 'bridge_deliveries_total{outcome="delivered",sink="email"} 1.0' in shown())
    assert 'bridge_outbox_pending{sink="email"} 0.0' in shown()
    assert 'http_requests_total{method="POST",route="/notify/{sink}",status="200"} 1.0' in shown()


def _has_ended(process: psutil.Process) -> bool:
    """Gone, or a zombie: where nobody adopts orphans, as in a container without an init, it stays one."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _trainer_of(run_id: str) -> psutil.Process:
    for process in psutil.process_iter():
        try:
            if process.environ().get("RECWATCH_RUN_ID") == run_id:
                return process
        except psutil.Error:
            continue
    raise AssertionError("no such trainer")
