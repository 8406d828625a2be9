"""The JSON API: what it shows, what it does, and who may."""

import json
from typing import Any

import pytest

from recwatch_bridge.retraining import rollbacks, runs


def test_a_run_is_shown_whole(site: Any, busy: Any) -> None:
    listed = site.get("/api/v1/runs").json()
    assert [row["state"] for row in listed] == ["promoted", "failed", "refused", "withdrawn", "approving"]
    run = site.get(f"/api/v1/runs/{busy.promoted}").json()
    assert run == listed[0]
    assert run["reasons"][1] == "ModelQualityDegraded: ndcg@10 of als fell to 0.141"
    assert (run["version"], run["serving"], run["reload"], run["watch"]) == ("v2", "v1", "done", "passed")
    assert run["gate"]["checks"][0]["value"] == 1.0531
    assert run["started_at"] == "2027-01-15T06:03:20.000+00:00"
    assert run["log"].endswith(f"{busy.promoted}/trainer.log")


def test_lists_are_limited_and_chosen(site: Any, busy: Any, add_run: Any) -> None:
    other = add_run("promoted", model="bpr")
    assert [row["id"] for row in site.get("/api/v1/runs?limit=1").json()] == [other]
    assert [row["id"] for row in site.get("/api/v1/runs?model=als&limit=1").json()] == [busy.approving]
    assert len(site.get("/api/v1/messages").json()) == 5
    assert {row["sink"] for row in site.get("/api/v1/messages?sink=slack").json()} == {"slack"}
    assert len(site.get("/api/v1/messages?state=pending").json()) == 1
    assert [row["id"] for row in site.get("/api/v1/dead-letters?sink=slack").json()] == [busy.dead]


def test_the_end_of_a_log(site: Any, busy: Any) -> None:
    answer = site.get(f"/api/v1/runs/{busy.failed}/log?lines=2").json()
    assert answer["log"].splitlines()[0] == "epoch 79: loss 0.0127"
    assert "\x00" not in answer["log"]
    assert site.get(f"/api/v1/runs/{busy.promoted}/log").json()["log"] == ""


def test_a_model_and_its_versions(site: Any, busy: Any) -> None:
    [short] = site.get("/api/v1/models").json()
    assert short == {
        "model": "als",
        "current": "v2",
        "rollback_target": "v1",
        "versions": 3,
        "run": busy.approving,
        "error": None,
    }
    whole = site.get("/api/v1/models/als").json()
    assert [row["version"] for row in whole["published"]] == ["v1", "v2", "v3"]
    assert whole["published"][1]["in_service"] is True
    assert whole["published"][1]["metrics"] == {"ndcg@10": 0.2}
    assert [(row["previous"], row["version"]) for row in whole["history"]] == [(None, "v1"), ("v1", "v2")]


def test_a_damaged_registry_is_said_not_raised(site: Any) -> None:
    (site.registry.folder / "v3" / "manifest.json").write_text("{", encoding="utf-8")
    assert "manifest.json" in site.get("/api/v1/models/als").json()["published"][2]["error"]
    (site.registry.folder / "current").write_text("nonsense", encoding="utf-8")
    [model] = site.get("/api/v1/models").json()
    assert model["current"] is None
    assert "nonsense" in model["error"]
    refused = site.post("/api/v1/models/als/rollback", json={"serving": "v2"})
    assert (refused.status_code, "nonsense" in refused.json()["error"]) == (409, True)


def test_the_bridge_itself(site: Any, busy: Any) -> None:
    site.post("/watchdog", token="deliver-4f1c", json=_watchdog())
    status = site.get("/api/v1/status").json()
    assert status["approving"] == [busy.approving]
    assert status["watchdog_at"] == "2027-01-15T08:00:00.000+00:00"
    email, slack = status["sinks"]
    assert (email["sink"], email["pending"], email["dead"]) == ("email", 1, 1)
    assert (slack["pending"], slack["oldest_at"], slack["dead"]) == (0, None, 1)


def _watchdog() -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "Watchdog"},
        "startsAt": "2026-11-21T03:15:00Z",
        "fingerprint": "w",
    }
    return {"status": "firing", "alerts": [alert]}


def test_retraining_by_hand(site: Any) -> None:
    first = site.post("/retrain/als", json={"reason": "new catalogue"})
    assert first.status_code == 202
    asked = first.json()
    assert asked["created"] is True
    [run] = site.get("/api/v1/runs").json()
    assert (run["id"], run["trigger"], run["reasons"]) == (
        asked["run"],
        "manual",
        ["asked for by ana: new catalogue"],
    )
    again = site.post("/retrain/als").json()
    assert (again["run"], again["created"]) == (asked["run"], False)
    assert site.woken == ["everybody"] * 2


def test_rolling_back_and_promoting(site: Any) -> None:
    back = site.post("/api/v1/models/als/rollback", json={"serving": "v2", "reason": "wrong data"})
    on = site.post("/api/v1/models/als/promote", json={"serving": "v2", "version": "v3"})
    assert (back.status_code, on.status_code) == (202, 202)
    listed = site.get("/api/v1/rollbacks").json()
    assert [(row["kind"], row["state"], row["serving"], row["target"]) for row in listed] == [
        ("rollback", "pending", "v2", None),
        ("promotion", "pending", "v2", "v3"),
    ]
    assert [row["id"] for row in listed] == [back.json()["id"], on.json()["id"]]
    assert listed[0]["reason"] == "by ana: wrong data"
    with site.store.read() as connection:
        assert [row.trigger for row in rollbacks.newest(connection, 5)] == ["manual", "manual"]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("models/als/rollback", {"serving": "v1"}, 409, "v2 is in service now, not v1"),
        ("models/als/promote", {"serving": "v1", "version": "v3"}, 409, "v2 is in service now, not v1"),
        ("models/als/promote", {"serving": None, "version": "v3"}, 409, "v2 is in service now, not none"),
        ("models/als/promote", {"serving": "v2", "version": "v2"}, 409, "v2 is in service already"),
        (
            "models/als/promote",
            {"serving": "v2", "version": "v9"},
            404,
            "no such version; the newest are: v1",
        ),
        ("models/als/promote", {"serving": "v2", "version": "../v3"}, 404, "no such version"),
        ("models/als/promote", {"serving": "v2"}, 400, "version: is required; add it"),
        (
            "models/als/promote",
            {"serving": "v2", "version": "v3", "force": 1},
            400,
            "force: no such key; remove it",
        ),
        ("models/nobody/rollback", {"serving": "v2"}, 404, "no such model; bridge.yml has: als"),
        ("runs/nothing/approve", None, 404, "no such run"),
        ("dead-letters/retry", {}, 400, "write either ids or all: true"),
        ("dead-letters/retry", {"ids": ["a" * 32], "all": True}, 400, "write either ids or all: true"),
        ("dead-letters/retry", {"ids": ["'; DROP TABLE"]}, 400, "ids.0: must match ^[0-9a-f]{32}$"),
    ],
)
def test_what_cannot_be_done_is_said(site: Any, path: str, body: Any, status: int, reason: str) -> None:
    answer = site.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert site.get("/api/v1/rollbacks").json() == []


def test_nothing_to_roll_back_to(site: Any) -> None:
    site.registry.rollback(reason="test")
    answer = site.post("/api/v1/models/als/rollback", json={"serving": "v1"})
    assert (answer.status_code, "nothing to roll back to" in answer.text) == (409, True)


def test_an_answer_counts_once(site: Any, busy: Any) -> None:
    approved = site.post(f"/api/v1/runs/{busy.approving}/approve")
    assert approved.json() == {"id": busy.approving, "approved": True}
    late = site.post(f"/api/v1/runs/{busy.approving}/reject")
    told = "this run does not wait for an answer (any more): it was approved by ana before"
    assert (late.status_code, late.json()["error"]) == (409, told)
    with site.store.read() as connection:
        assert runs.get(connection, busy.approving).approved_by == "ana"


def test_an_answer_that_comes_too_late_is_told_so(site: Any, busy: Any) -> None:
    with site.store.write() as connection:
        runs.note(connection, runs.get(connection, busy.approving), approve_until=1.0)
    late = site.post(f"/api/v1/runs/{busy.approving}/approve")
    assert (late.status_code, "the time to answer was over" in late.json()["error"]) == (409, True)


def test_dead_letters_are_sent_again(site: Any, busy: Any) -> None:
    one = site.post("/api/v1/dead-letters/retry", json={"ids": [busy.dead, "0" * 32]})
    assert one.json() == {"count": 1}
    assert site.post("/api/v1/dead-letters/retry", json={"all": True, "sink": "slack"}).json() == {"count": 0}
    assert site.post("/api/v1/dead-letters/retry", json={"all": True}).json() == {"count": 1}
    assert site.get("/api/v1/dead-letters").json() == []


def test_pictures_need_no_login(site: Any, add_picture: Any) -> None:
    add_picture("ab" * 16)
    answer = site.get(f"/pictures/{'ab' * 16}.png", token=None)
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    for name in ("cd" * 16, "..%2f..%2fetc", "AB" * 16, "%00"):
        assert site.get(f"/pictures/{name}.png", token=None).status_code == 404


def test_a_database_that_is_away_is_503(site: Any) -> None:
    with site.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO gone")
        connection.exec_driver_sql("ALTER TABLE facts RENAME TO gone_too")
    answer = site.get("/api/v1/runs")
    assert answer.status_code == 503
    assert answer.json() == {"error": "the database cannot be used at the moment: try again"}
    assert site.post("/retrain/als").status_code == 503
    assert site.value("bridge_store_errors_total", operation="read") == 1
    assert site.value("bridge_store_errors_total", operation="manage") == 1
    assert site.post("/watchdog", token="deliver-4f1c", json=_watchdog()).status_code == 503
    assert site.counted("overloaded") == 1


def test_openapi_describes_every_route(site: Any) -> None:
    described = site.get("/api/v1/openapi.json", token=None).json()
    assert set(described["paths"]) == {
        "/notify/{sink}",
        "/actions/retrain",
        "/actions/rollback",
        "/watchdog",
        "/retrain/{model}",
        *(
            f"/api/v1/{path}"
            for path in (
                "runs",
                "runs/{id}",
                "runs/{id}/log",
                "runs/{id}/cancel",
                "runs/{id}/approve",
                "runs/{id}/reject",
                "messages",
                "dead-letters",
                "dead-letters/retry",
                "rollbacks",
                "models",
                "models/{model}",
                "models/{model}/promote",
                "models/{model}/rollback",
                "models/{model}/reload",
                "status",
            )
        ),
    }
    assert "422" not in json.dumps(described)
