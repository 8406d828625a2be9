"""Logging in on the page: tokens, cookies, forms, and what another site cannot do."""

from typing import Any

import pytest
import requests


def _try(site: Any, token: str, origin: str | None = None, **form: str) -> requests.Response:
    headers = {"Origin": origin or site.url, "Accept": "text/html"}
    answer: requests.Response = site.post(
        "/login", token=None, data={"token": token, **form}, headers=headers
    )
    return answer


def test_a_login_leads_to_the_page(site: Any, busy: Any) -> None:
    answer = _try(site, "decide-90de", next=f"runs/{busy.failed}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"./runs/{busy.failed}")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("recwatch-bridge=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "decide" not in cookie
    assert site.value("bridge_logins_total", outcome="success") == 1


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "runs/../..", "\\evil", "runs/a?b"]
)
def test_a_login_leads_nowhere_else(site: Any, after: str) -> None:
    assert _try(site, "decide-90de", next=after).headers["location"] == "./"


def test_alertmanagers_token_cannot_log_in(site: Any) -> None:
    answer = _try(site, "deliver-4f1c")
    assert answer.status_code == 403
    assert "this token lacks the scope manage or read" in answer.text
    assert "set-cookie" not in answer.headers
    assert site.value("bridge_logins_total", outcome="refused") == 1


def test_wrong_tokens_are_slowed_down_and_a_right_one_passes(site: Any) -> None:
    codes = [_try(site, f"guess-{number}").status_code for number in range(12)]
    assert codes == [401] * 10 + [429] * 2
    late = site.get("/api/v1/runs", token="guess")
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 60
    assert _try(site, "decide-90de").status_code == 303
    assert site.get("/api/v1/runs").status_code == 200
    assert site.counted("unauthorised") == 10
    assert site.counted("rate_limited") == 3


def test_without_login_every_page_asks_for_it(site: Any, busy: Any) -> None:
    first = site.get("/", token=None)
    assert (first.status_code, first.headers["location"]) == (303, "./login")
    run = site.get(f"/runs/{busy.failed}", token=None)
    assert run.headers["location"] == f"../login?next=runs/{busy.failed}"
    assert "hidden" in site.get(f"/login?next=runs/{busy.failed}", token=None).text
    assert site.get("/", token="deliver-4f1c").status_code == 403


def test_a_reader_has_no_buttons_and_cannot_do_without(busy: Any) -> None:
    site = busy.site
    browser = site.login("look-77ab")
    page = browser.get(site.url, timeout=20).text
    assert "may only read" in page
    assert "Roll back" not in page
    assert "Send again" not in page
    csrf = _csrf(page)
    answer = browser.post(
        f"{site.url}/models/als/rollback",
        data={"csrf": csrf, "serving": "v2"},
        headers={"Origin": site.url},
        timeout=20,
    )
    assert answer.status_code == 403
    assert site.get("/api/v1/rollbacks").json()[1:] == []


def test_a_form_does_what_it_says(site: Any, busy: Any) -> None:
    browser = site.login()
    csrf = _csrf(browser.get(site.url, timeout=20).text)
    origin = {"Origin": site.url}
    for path, form in (
        ("models/als/retrain", {"reason": "new data"}),
        ("models/als/promote", {"serving": "v2", "version": "v3", "reason": "better"}),
        (f"runs/{busy.approving}/approve", {}),
        ("dead-letters/retry", {"id": busy.dead}),
    ):
        sent = browser.post(
            f"{site.url}/{path}",
            data={"csrf": csrf, **form},
            headers=origin,
            timeout=20,
            allow_redirects=False,
        )
        assert sent.status_code == 303, path
        assert "done=" in sent.headers["location"]
    assert site.get("/api/v1/rollbacks").json()[-1]["reason"] == "by ana: better"
    assert site.get(f"/api/v1/runs/{busy.approving}").json()["approved_by"] == "ana"
    assert len(site.get("/api/v1/dead-letters").json()) == 1
    told = browser.get(f"{site.url}/?done=promote", timeout=20).text
    assert "The promotion was asked for." in told
    assert "gift" not in browser.get(f"{site.url}/?done=gift", timeout=20).text


def test_what_cannot_be_done_is_a_page_that_says_why(busy: Any) -> None:
    site = busy.site
    browser = site.login()
    csrf = _csrf(browser.get(site.url, timeout=20).text)
    answer = browser.post(
        f"{site.url}/models/als/rollback",
        data={"csrf": csrf, "serving": "v1"},
        headers={"Origin": site.url, "Accept": "text/html"},
        timeout=20,
    )
    assert answer.status_code == 409
    assert "<h1>Not done</h1>" in answer.text
    assert "v2 is in service now, not v1: look again, then decide" in answer.text


@pytest.mark.parametrize(
    ("origin", "csrf"),
    [
        (None, "right"),
        ("null", "right"),
        ("https://evil.example", "right"),
        ("http://[", "right"),
        ("own", "wrong"),
        ("own", ""),
        ("own", "other"),
    ],
)
def test_another_site_cannot_send_forms(busy: Any, origin: str | None, csrf: str) -> None:
    site = busy.site
    dead = len(site.get("/api/v1/dead-letters").json())
    browser, other = site.login(), site.login()
    tokens = {
        "right": _csrf(browser.get(site.url, timeout=20).text),
        "other": _csrf(other.get(site.url, timeout=20).text),
    }
    headers = {} if origin is None else {"Origin": site.url if origin == "own" else origin}
    for path, form in (
        ("models/als/retrain", {}),
        ("models/als/promote", {"serving": "v2", "version": "v3"}),
        ("models/als/rollback", {"serving": "v2"}),
        (f"runs/{busy.approving}/approve", {}),
        (f"runs/{busy.approving}/reject", {}),
        ("dead-letters/retry", {"all": "yes"}),
        ("logout", {}),
    ):
        sent = {"csrf": tokens.get(csrf, csrf), **form}
        answer = browser.post(f"{site.url}/{path}", data=sent, headers=headers, timeout=20)
        assert answer.status_code == 403, path
    assert browser.get(f"{site.url}/api/v1/models", timeout=20).status_code == 200
    assert len(site.get("/api/v1/rollbacks").json()) == 1
    assert site.get(f"/api/v1/runs/{busy.approving}").json()["approved_by"] is None
    assert len(site.get("/api/v1/dead-letters").json()) == dead


def test_another_site_cannot_log_somebody_in(site: Any) -> None:
    answer = _try(site, "decide-90de", origin="https://evil.example")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_api_takes_a_login_with_its_csrf_token(site: Any, busy: Any) -> None:
    browser = site.login()
    csrf = _csrf(browser.get(site.url, timeout=20).text)
    address = f"{site.url}/api/v1/runs/{busy.approving}/reject"
    assert browser.get(f"{site.url}/api/v1/models", timeout=20).status_code == 200
    assert browser.post(address, headers={"Origin": site.url}, timeout=20).status_code == 403
    headers = {"Origin": site.url, "X-CSRF-Token": csrf}
    assert browser.post(address, headers=headers, timeout=20).status_code == 200


def test_a_logout_ends_the_session_wherever_its_cookie_is(site: Any) -> None:
    browser = site.login()
    stolen = dict(browser.cookies)
    csrf = _csrf(browser.get(site.url, timeout=20).text)
    browser.post(f"{site.url}/logout", data={"csrf": csrf}, headers={"Origin": site.url}, timeout=20)
    assert not browser.cookies
    again = requests.get(f"{site.url}/api/v1/models", cookies=stolen, timeout=20)
    assert again.status_code == 401


def test_a_logout_by_another_site_does_nothing(site: Any) -> None:
    browser = site.login()
    browser.post(f"{site.url}/logout", headers={"Origin": "https://evil.example"}, timeout=20)
    assert browser.get(f"{site.url}/api/v1/models", timeout=20).status_code == 200


def test_a_link_from_elsewhere_asks_the_browser_once_more(site: Any, busy: Any) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = site.get(f"/runs/{busy.approving}", token=None, headers=headers)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert "als" not in answer.text


class TestBehindHttps:
    @pytest.fixture
    def external_url(self) -> str:
        return "https://bridge.example.com/recwatch"

    def test_the_cookie_travels_by_https_alone(self, site: Any) -> None:
        answer = _try(site, "decide-90de", origin="https://bridge.example.com")
        assert answer.status_code == 303
        assert answer.headers["set-cookie"].startswith("__Host-recwatch-bridge=")
        assert "Secure" in answer.headers["set-cookie"]

    def test_a_login_that_could_not_last_is_refused(self, site: Any) -> None:
        answer = _try(site, "decide-90de")
        assert answer.status_code == 403
        assert "open https://bridge.example.com/recwatch" in answer.text


def _csrf(page: str) -> str:
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
