"""Who may log in to the page, as the page shows it."""

from typing import Any

import requests


def test_people_log_in_and_alertmanager_does_not(
    workplace: Any, set_up: Any, start: Any, secret_of: Any
) -> None:
    set_up("A trainer: a command", "People", secrets={"screen_token": "look-77ab", "reload_token": "a"})
    assert workplace.settings["external_url"].startswith("https://")
    bridge = start()
    for name, status, buttons in (("ana", 200, True), ("screen", 200, False), ("alertmanager", 403, False)):
        browser = requests.Session()
        token = secret_of(f"{name}_token")
        answer = browser.post(
            f"{bridge.url}/login",
            data={"token": token},
            headers={"Origin": workplace.settings["external_url"]},
            timeout=20,
            allow_redirects=False,
        )
        assert answer.status_code in ({200, 303} if status == 200 else {status}), name
        cookie = answer.headers.get("Set-Cookie", "")
        assert ("Secure" in cookie) == (status == 200)
        if status == 200:
            # A browser would send it by https alone; behind the proxy it comes by http.
            headers = {"Cookie": cookie.partition(";")[0]}
            page = requests.get(f"{bridge.url}/", headers=headers, timeout=20).text
            assert "als" in page
            assert ("models/als/retrain" in page) == buttons
