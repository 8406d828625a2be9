"""What the bridge promises about security, each tried: scopes, limits, secrets, and what alerts may do."""

import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from starlette.routing import Route

from recwatch.testing import wait_until
from recwatch_bridge.web import body

ALERTS, READ, MANAGE = "deliver-4f1c", "look-77ab", "decide-90de"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# By path: who may (a: Alertmanager's token, r: read, m: manage).
GETS = {
    "/api/v1/runs": "rm",
    "/api/v1/messages": "rm",
    "/api/v1/runs/nothing": "rm",
    "/api/v1/runs/nothing/log": "rm",
    "/api/v1/dead-letters": "rm",
    "/api/v1/rollbacks": "rm",
    "/api/v1/models": "rm",
    "/api/v1/models/als": "rm",
    "/api/v1/status": "rm",
    "/": "rm",
    "/runs/nothing": "rm",
}
POSTS = {
    "/notify/email": "a",
    "/actions/retrain": "a",
    "/actions/rollback": "a",
    "/watchdog": "a",
    "/retrain/als": "m",
    "/api/v1/runs/nothing/cancel": "m",
    "/api/v1/runs/nothing/approve": "m",
    "/api/v1/runs/nothing/reject": "m",
    "/api/v1/models/als/promote": "m",
    "/api/v1/models/als/rollback": "m",
    "/api/v1/models/als/reload": "m",
    "/api/v1/dead-letters/retry": "m",
}

# What the page's buttons send; test_login.py tries each.
FORMS = {
    "/models/{model}/retrain",
    "/models/{model}/promote",
    "/models/{model}/rollback",
    "/models/{model}/reload",
    "/runs/{id}/cancel",
    "/runs/{id}/approve",
    "/runs/{id}/reject",
    "/dead-letters/retry",
    "/logout",
}
OPEN = {
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/login"),
    ("GET", "/metrics"),
    ("GET", "/pictures/{name}.png"),
    ("GET", "/static/{name}"),
    ("POST", "/login"),
}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", *row) for row in GETS.items()] + [("POST", *row) for row in POSTS.items()],
)
def test_each_path_has_its_scopes(site: Any, method: str, path: str, allowed: str) -> None:
    call = {"GET": site.get, "POST": site.post}[method]
    more = {"json": {"serving": "v2", "version": "v3", "all": True}} if method == "POST" else {}
    for letter, token in (("a", ALERTS), ("r", READ), ("m", MANAGE)):
        status = call(path, token=token, **more).status_code
        assert (status == 403) == (letter not in allowed), (letter, status)
        assert status < 500
    nobody = call(path, token=None, **more)
    assert nobody.status_code == (303 if not path.startswith(("/api", *POSTS)) else 401)
    assert call(path, token="wrong", **more).status_code == 401


def test_every_route_is_in_a_table(site: Any) -> None:
    """A new one is to be tried as well, or said to be for everybody."""
    routes = [route for route in site.app.routes if isinstance(route, Route)]
    there = {(method, route.path) for route in routes for method in (route.methods or {"GET"}) - {"HEAD"}}
    for path, methods in site.app.openapi()["paths"].items():
        there |= {(method.upper(), path) for method in methods}
    tried = {("GET", path) for path in GETS} | {("POST", path) for path in POSTS}
    names = {"nothing": "{id}", "als": "{model}", "/notify/email": "/notify/{sink}"}
    for concrete, name in names.items():
        tried = {(method, path.replace(concrete, name)) for method, path in tried}
    forms = {("POST", path) for path in FORMS}
    assert there == tried | forms | OPEN


def test_a_part_of_a_token_is_no_token(site: Any) -> None:
    for wrong in (MANAGE[:-1], MANAGE + "x", MANAGE.upper(), f"{MANAGE} {MANAGE}", "é", ""):
        header = f"Bearer {wrong}".encode()
        answer = requests.get(f"{site.url}/api/v1/models", headers={"Authorization": header}, timeout=20)
        assert answer.status_code == 401
    basic = {"Authorization": f"Basic {MANAGE}"}
    assert requests.get(f"{site.url}/api/v1/models", headers=basic, timeout=20).status_code == 401
    assert requests.get(f"{site.url}/api/v1/models?token={MANAGE}", timeout=20).status_code == 401


def test_every_answer_carries_the_headers(site: Any, busy: Any) -> None:
    browser = site.login()
    for path in ("", "login", "nothing", "api/v1/runs", "metrics", "-/healthy", f"runs/{busy.failed}"):
        answer = browser.get(f"{site.url}/{path}", timeout=20)
        assert HEADERS.items() <= {key.lower(): value for key, value in answer.headers.items()}.items()
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy


def test_bodies_are_limited(site: Any) -> None:
    large = b"x" * 100_001
    assert site.post("/notify/email", token=ALERTS, data=large).status_code == 413
    chunked = site.post("/notify/email", token=ALERTS, data=iter([large[:60_000], large[:60_000]]))
    assert chunked.status_code == 413
    lying = {"Content-Length": "9" * 30}
    assert _raw(site, b"POST /notify/email", lying, b"") in (400, 413)
    for path in ("/retrain/als", "/login", "/api/v1/dead-letters/retry"):
        assert site.post(path, data=large).status_code == 413, path
    assert site.counted("too_large") >= 5


def test_nobody_unknown_makes_it_read_a_body(site: Any) -> None:
    assert _raw(site, b"POST /notify/email", {"Content-Length": "90000"}, b"", token="wrong") == 401


def test_a_body_has_to_arrive(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_TIMEOUT", 0.2)
    assert _raw(site, b"POST /notify/email", {"Content-Length": "10"}, b"{") == 503


def test_headers_are_limited(site: Any) -> None:
    assert _raw(site, b"GET /api/v1/runs", {"X-Large": "x" * 200_000}, b"") == 400


def test_changes_are_limited(site: Any) -> None:
    codes = [site.post("/api/v1/runs/nothing/approve").status_code for _ in range(62)]
    assert codes == [404] * 60 + [429] * 2
    assert site.get("/api/v1/runs").status_code == 200
    assert site.post("/watchdog", token=ALERTS, json={}).status_code == 400, "never 429 for Alertmanager"


def test_alertmanager_is_never_told_429(site: Any) -> None:
    codes = {site.post("/notify/email", token=f"guess-{number}").status_code for number in range(15)}
    assert codes == {401}


def _raw(site: Any, line: bytes, headers: dict[str, str], data: bytes, token: str = ALERTS) -> int:
    host, port = site.url.removeprefix("http://").split(":")
    every = {"Host": host, "Authorization": f"Bearer {token}", **headers}
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in every.items())
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(line + b" HTTP/1.1\r\n" + head + b"\r\n" + data)
        return int(connection.recv(4096).split(b" ")[1])


class _Canary(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A web server that nobody is to ask."""
    asked: list[str] = []
    handler = type("Handler", (_Canary,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_alert_is_text_and_nothing_else(
    start: Any, workplace: Any, alert: Any, group: Any, canary: tuple[str, list[str]]
) -> None:
    address, asked = canary
    evil = "$(touch pwned) `touch pwned`; touch pwned {{7*7}} ../../pwned"
    told = alert(
        labels={"instance": evil, "evil": "../../pwned"},
        annotations={
            "summary": evil,
            "runbook_url": f"{address}/runbook",
            "dashboard_url": f"{address}/dashboard",
            "graph": f"{address}/graph",
            "reload_url": f"{address}/reload",
        },
    )
    told["generatorURL"] = f"{address}/graph?g0.expr=up"
    bridge = start()
    body = group(told) | {"externalURL": address}
    for path in ("/notify/email", "/notify/slack", "/actions/retrain"):
        assert bridge.post(path, body).status_code == 200
    wait_until(bridge.run_in("promoted"), timeout=30)
    mail = workplace.mail.wait_for(lambda message: "DriftDetected" in message["Subject"])
    assert "{{7*7}}" in mail["Subject"]
    wait_until(lambda: {row["state"] for row in bridge.get("/api/v1/messages")} == {"delivered"})
    assert list(workplace.folder.rglob("pwned*")) == []
    assert asked == []


def test_secrets_stay_secret(start: Any, workplace: Any, alert: Any, group: Any) -> None:
    """Sinks fail, tokens are wrong, and what is written or shown afterwards names none of them."""
    folder = workplace.folder
    (folder / "slack_url").write_text(f"{workplace.slack.url}/T000/B000/the-slack-secret", encoding="utf-8")
    (folder / "password").write_text("the-mail-secret", encoding="utf-8")
    (folder / "other_token").write_text("the-other-token", encoding="utf-8")
    (folder / "reload_token").write_text("the-reload-secret", encoding="utf-8")
    workplace.settings["sinks"]["email"] |= {"user": "me", "password_file": "password"}
    workplace.settings["sinks"]["slack"]["webhook_url_file"] = "slack_url"
    workplace.settings["models"]["als"] |= {
        "reload_url": "http://127.0.0.1:1/reload",
        "reload_token_file": "reload_token",
    }
    workplace.settings["tokens"].append({"file": "other_token", "scopes": ["read"], "name": "ben"})
    bridge = start()
    for sink in ("email", "slack"):
        bridge.post(f"/notify/{sink}", group(alert()))
    bridge.post("/actions/retrain", group(alert()))
    bridge.post("/notify/email", group(alert()), token="a-wrong-token-of-somebody")
    wait_until(lambda: any(row["error"] for row in bridge.get("/api/v1/messages")), timeout=30)
    wait_until(bridge.run_in("promoted"), timeout=30)
    browser = requests.Session()
    browser.post(
        f"{bridge.url}/login",
        data={"token": "the-other-token"},
        headers={"Origin": bridge.url},
        timeout=20,
    )
    seen = [
        browser.get(f"{bridge.url}/{path}", timeout=20).text
        for path in ("", "metrics", "api/v1/messages", "api/v1/runs", "api/v1/status", "api/v1/openapi.json")
    ]
    assert "Log out" in seen[0]
    seen.append((folder / "bridge.log").read_text(encoding="utf-8"))
    [run] = bridge.get("/api/v1/runs")
    seen.append((folder / "data" / "bridge-runs" / run["id"] / "trainer.log").read_text(encoding="utf-8"))
    for text in seen:
        for secret in (
            "the-slack-secret",
            "the-mail-secret",
            "the-other-token",
            "the-reload-secret",
            "a-token-for-tests",
            "a-wrong-token-of-somebody",
        ):
            assert secret not in text


def test_tokens_are_exchanged_one_by_one(start: Any, workplace: Any) -> None:
    (workplace.folder / "next_token").write_text("the-next-token\n", encoding="utf-8")
    both = [{"file": "token", "scopes": ["alerts", "manage"]}, {"file": "next_token", "scopes": ["manage"]}]
    workplace.settings["tokens"] = both
    bridge = start()
    assert bridge.get("/api/v1/models") is not None
    assert bridge.get("/api/v1/models", token="the-next-token") is not None
    bridge.stop()
    workplace.settings["tokens"] = both[1:]
    again = start()
    assert again.get("/api/v1/models", token="the-next-token") is not None
    with pytest.raises(requests.HTTPError, match="401"):
        again.get("/api/v1/models")
