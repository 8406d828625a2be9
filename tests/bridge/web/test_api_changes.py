"""The JSON API: taking back, telling again, and the words of whoever does something."""

from typing import Any

import pytest
from sqlalchemy import update

from recwatch_bridge.delivering import outbox
from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.storage import schema


def test_a_run_that_waits_is_cancelled(site: Any) -> None:
    run = site.post("/retrain/als").json()["run"]
    answer = site.post(f"/api/v1/runs/{run}/cancel", json={"reason": "the wrong model"})
    assert (answer.status_code, answer.json()) == (200, {"id": run, "state": "withdrawn"})
    found = site.get(f"/api/v1/runs/{run}").json()
    assert (found["state"], found["error"]) == ("withdrawn", "cancelled by ana: the wrong model")
    assert found["reasons"] == ["asked for by ana"]
    assert "sinks" in site.woken
    with site.store.read() as connection:
        subjects = {message.subject for message in outbox.newest(connection, 10)}
    assert subjects == {"[INFO] Retraining cancelled: als"}
    assert site.post("/retrain/als").json()["created"] is True


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("running", 409, "only a run that waits can be cancelled: this one is running"),
        ("withdrawn", 409, "this one is withdrawn"),
        (None, 404, "no such run"),
    ],
)
def test_only_a_run_that_waits_is_cancelled(
    site: Any, add_run: Any, state: str | None, status: int, said: str
) -> None:
    run = "nothing" if state is None else add_run(state)
    answer = site.post(f"/api/v1/runs/{run}/cancel")
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)


def test_why_somebody_approves_or_rejects_is_kept(site: Any, busy: Any) -> None:
    refused = site.post(f"/api/v1/runs/{busy.approving}/reject", json={"because": "no"})
    assert (refused.status_code, refused.json()["error"]) == (
        400,
        "because: no such key; remove it or correct its name",
    )
    site.post(f"/api/v1/runs/{busy.approving}/reject", json={"reason": "do not like"})
    assert site.get(f"/api/v1/runs/{busy.approving}").json()["error"] == "rejected by ana: do not like"


def test_why_somebody_approves_stands_beside_the_gate(site: Any, busy: Any) -> None:
    site.post(f"/api/v1/runs/{busy.approving}/approve", json={"reason": "looks good"})
    found = site.get(f"/api/v1/runs/{busy.approving}").json()
    assert (found["approved_by"], found["error"]) == ("ana", None)
    assert found["gate"]["approved_because"] == "looks good"
    assert found["gate"]["checks"][0]["value"] == 1.0531


def test_a_service_that_could_not_be_told_needs_a_person(site: Any, add_run: Any, clock: Any) -> None:
    ended = {"finished": clock() - 60, "reload": "failed", "error": "it answered 500"}
    run = add_run("promoted", version="v2", **ended)
    [missed] = site.get("/api/v1/status").json()["not_loaded"]
    assert missed == {
        "model": "als",
        "version": "v2",
        "change": run,
        "since": "2027-01-15T07:59:00.000+00:00",
        "error": "it answered 500",
    }
    again = site.post("/api/v1/models/als/reload")
    assert (again.status_code, again.json()) == (202, {"id": run})
    assert site.woken == ["everybody"]
    with site.store.read() as connection:
        waiting = runs.unfinished(connection, "als")
    assert waiting is not None
    assert (waiting.id, waiting.reload, waiting.error) == (run, "pending", None)
    assert site.get("/api/v1/status").json()["not_loaded"] == []
    twice = site.post("/api/v1/models/als/reload")
    assert (twice.status_code, "no reload of v2 has failed" in twice.json()["error"]) == (409, True)


def test_a_rollback_that_was_not_loaded_counts_until_the_next_change(
    site: Any, add_run: Any, clock: Any
) -> None:
    add_run("promoted", version="v1", finished=clock() - 600, reload="failed", error="it answered 500")
    with site.store.write() as connection:
        back = rollbacks.create(connection, "als", trigger="manual", reason="by ana", now=clock())
        done = {"state": "done", "target": "v2", "finished": clock() - 60, "reload": "failed"}
        connection.execute(update(schema.rollbacks).values(**done, error="no answer"))
    [missed] = site.get("/api/v1/status").json()["not_loaded"]
    assert (missed["change"], missed["error"]) == (back, "no answer")
    site.registry.promote("v3", reason="in a terminal")
    assert site.get("/api/v1/status").json()["not_loaded"] == [], "somebody else put another version there"
    site.registry.rollback(reason="and back")
    assert site.post("/api/v1/models/als/reload").json() == {"id": back}


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_json_is_json_whatever_its_header_says(site: Any, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = site.post("/retrain/als", data=b'{"reason": "again"}', headers=headers)
    assert answer.status_code == 202
    assert site.get("/api/v1/runs").json()[0]["reasons"] == ["asked for by ana: again"]


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_login_alone_sends_no_json(site: Any, kind: str) -> None:
    """A form of another site can be text; no form has the header that a login needs besides."""
    headers = {"Content-Type": kind, "Origin": site.url}
    answer = site.login().post(f"{site.url}/retrain/als", data=b'{"reason": ""}', headers=headers, timeout=20)
    assert answer.status_code == 403
    assert site.get("/api/v1/runs").json() == []


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("retrain/als", b"{", "the body is not JSON: Expecting property name enclosed in double quotes"),
        ("retrain/als", b"reason=again", "the body is not JSON: Expecting value"),
        ("retrain/als", b'"again"', 'the body: must be a JSON object, such as {"reason": "..."}'),
        ("retrain/als", b'{"reason": 3}', "reason: must be text: a number needs quotes (found 3)"),
        ("retrain/als", b'{"resaon": ""}', "resaon: no such key; remove it or correct its name"),
        ("retrain/als", b'{"reason": "%s"}' % (b"a" * 501), "reason: must have at most 500 characters"),
        ("api/v1/dead-letters/retry", b'{"ids": "a"}', "ids: must be a list: write [...]"),
        ("api/v1/dead-letters/retry", b'{"all": "a"}', "all: must be true or false (found 'a')"),
    ],
)
def test_mistakes_are_told_in_words(site: Any, path: str, body: bytes, told: str) -> None:
    answer = site.post(f"/{path}", data=body)
    assert (answer.status_code, answer.json()["error"]) == (400, told)


def test_mistakes_of_a_query_are_told_in_words(site: Any) -> None:
    assert site.get("/api/v1/runs?limit=0").json()["error"] == "limit: must be at least 1 (found '0')"
    wrong = site.get("/api/v1/messages?state=gone").json()["error"]
    assert wrong == "state: must be 'pending', 'delivered', 'dead' or 'dropped' (found 'gone')"


def test_a_wrong_token_is_logged_with_what_was_asked_for(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.get("/api/v1/runs", token="wrong")
    site.post("/notify/email", token=None, json={})
    site.post("/notify/slack", token="wrong", json={})
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        "GET /api/v1/runs: a wrong token, from 127.0.0.1",
        "POST /notify/email: no token, from 127.0.0.1",
        "POST /notify/slack: a wrong token, from 127.0.0.1",
    ]
