"""The page's HTML: what stands there when nothing has happened, and when something is wrong."""

from typing import Any

import pytest

from recwatch_bridge.accepting.watchdog import HEARD, SILENT
from recwatch_bridge.storage import facts
from recwatch_bridge.storage.facts import Fact


def test_a_bridge_without_a_past_says_what_to_do(site: Any) -> None:
    page = site.login().get(site.url, timeout=20).text
    for words in (
        "Watchdog was not heard yet: route it to <code>/watchdog</code>",
        "No run yet. An alert with the labels",
        "No message yet. Route a receiver",
        "None. A message that is refused for good",
        "nothing waits",
    ):
        assert words in page
    assert "<title>Overview" in page
    assert "<h1>Overview</h1>" in page


def test_what_needs_a_person_comes_first(site: Any, busy: Any, clock: Any) -> None:
    with site.store.write() as connection:
        facts.put(connection, HEARD, Fact(clock() - 900, "x"))
        facts.put(connection, SILENT, Fact(clock() - 300))
    (site.registry.folder / "current").write_text("nonsense", encoding="utf-8")
    page = site.login().get(site.url, timeout=20).text
    assert "<title>(!) Overview" in page
    attention = page.partition('id="attention"')[2].partition("</section>")[0]
    assert f"runs/{busy.approving}" in attention
    assert "2 messages</a> reached nobody" in attention
    assert "Watchdog was last heard <time" in attention
    assert '>15 min ago</time> <small class="at">2027-01-15 07:45 UTC</small>' in attention
    assert f"als</a>: {site.registry.folder}/current: &#39;nonsense&#39; is not a version" in attention
    assert "not known: its registry is damaged" in page


def test_an_answer_that_was_given_is_not_asked_for_again(site: Any, busy: Any) -> None:
    site.post(f"/api/v1/runs/{busy.approving}/approve")
    browser = site.login()
    assert "call-als" not in browser.get(site.url, timeout=20).text
    page = browser.get(f"{site.url}/runs/{busy.approving}", timeout=20).text
    assert "Approved by ana; it is promoted within seconds." in page
    assert "Reject" not in page


@pytest.mark.parametrize(
    ("show", "rows"), [("", 20), ("3", 3), ("100", 25), ("0", 20), ("x", 20), ("9999", 25)]
)
def test_more_is_shown_where_it_is_asked_for(site: Any, add_message: Any, show: str, rows: int) -> None:
    for number in range(25):
        add_message(f"[INFO] Number {number}", state="delivered")
    page = site.login().get(f"{site.url}/?show={show}", timeout=20).text
    assert page.count('<tr id="message-') == rows


def test_a_link_to_a_log_elsewhere(site: Any, add_run: Any) -> None:
    run = add_run("running", started=1.0, log_url="https://github.com/a/b/actions/runs/1")
    page = site.login().get(f"{site.url}/runs/{run}", timeout=20).text
    assert '<a href="https://github.com/a/b/actions/runs/1" rel="noreferrer noopener">' in page
    assert "The trainer has written nothing yet." in page


def test_people_get_pages_and_programs_json(site: Any) -> None:
    html = {"Accept": "text/html,*/*"}
    page = site.get("/nothing", headers=html)
    assert (page.status_code, "<h1>Not found</h1>" in page.text) == (404, True)
    assert site.get("/nothing").json() == {"error": "Not Found"}
    assert site.get("/api/v1/runs/nothing", headers=html).json() == {"error": "no such run"}
    assert site.get("/login", headers={"Accept": "text/html"}).headers["content-type"].startswith("text/html")


def test_static_files_are_kept_by_browsers(site: Any) -> None:
    for name, kind in (
        ("style.css", "text/css"),
        ("page.js", "text/javascript"),
        ("favicon.svg", "image/svg"),
    ):
        answer = site.get(f"/static/{name}", token=None)
        assert answer.headers["content-type"].startswith(kind)
        assert "max-age" in answer.headers["cache-control"]
    assert site.get("/static/pages.py").status_code == 404
