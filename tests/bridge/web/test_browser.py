"""The page in Chromium: what a person sees and does, and what the browser has to say about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from recwatch.testing import wait_until

pytestmark = pytest.mark.all
MANAGE = "decide-90de"


@dataclass
class Visit:
    """A page, with what the browser said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


@pytest.fixture
def visit(chromium: Browser, busy: Any) -> Iterator[Callable[..., Visit]]:
    """Opens a page of the busy site, logged in."""
    contexts = []

    def begin(
        path: str = "",
        *,
        width: int = 1280,
        scheme: Literal["dark", "light"] = "light",
        token: str = MANAGE,
        **options: Any,
    ) -> Visit:
        url = busy.site.url
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.on("request", lambda request: seen.requested.append(request.url))
        seen.page.goto(f"{url}/")
        seen.page.get_by_label("Token").fill(token)
        seen.page.get_by_role("button", name="Log in").click()
        seen.page.wait_for_url(f"{url}/")
        if path:
            seen.page.goto(f"{url}/{path}")
        return seen

    yield begin
    for context in contexts:
        context.close()


def test_pages_open_without_complaint_and_ask_nobody_else(visit: Any, busy: Any) -> None:
    seen = visit()
    for path in ("", f"runs/{busy.approving}", f"runs/{busy.failed}", f"runs/{busy.promoted}"):
        seen.page.goto(f"{busy.site.url}/{path}")
        assert seen.page.locator("h1").count() == 1
        assert seen.page.evaluate("getComputedStyle(document.querySelector('.top')).display") == "flex"
    assert seen.said == []
    assert all(url.startswith(busy.site.url) for url in seen.requested)


def test_the_policy_lets_nothing_else_run(visit: Any) -> None:
    page = visit().page
    with page.expect_console_message() as said:
        page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1:1/x onerror=alert(1)>')"
        )
    assert "Content Security Policy" in said.value.text


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_a_page_scrolls_one_way_only(visit: Any, busy: Any, width: int) -> None:
    page = visit(width=width).page
    for path in ("", f"runs/{busy.approving}", f"runs/{busy.failed}"):
        page.goto(f"{busy.site.url}/{path}")
        for asks in page.locator("details.ask summary").all():
            asks.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_text_stands_out_in_dark_and_light(visit: Any, busy: Any) -> None:
    """Every colour of text has a contrast of 4.5 or more (WCAG 2.1, success criterion 1.4.3)."""
    grounds = []
    for scheme in ("dark", "light"):
        page = visit(scheme=scheme).page
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for path in ("", f"runs/{busy.approving}"):
            page.goto(f"{busy.site.url}/{path}")
            for asks in page.locator("details.ask summary").all():
                asks.click()
            assert page.evaluate(_LOW_CONTRAST) == []
    assert grounds == ["rgb(21, 24, 28)", "rgb(255, 255, 255)"]


def test_hostile_text_is_read_as_text(visit: Any, busy: Any) -> None:
    seen = visit(f"runs/{busy.failed}")
    dialogs: list[str] = []
    seen.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    shown = "</td><script>alert('data')</script>{{7*7}}"
    expect(seen.page.locator(".reasons")).to_contain_text(shown)
    expect(seen.page.locator("#log")).to_contain_text("epoch 79")
    assert seen.page.locator("main script").count() == 0
    assert seen.page.get_by_role("link", name="The log where").count() == 0, "javascript: is no address"
    assert dialogs == []


def test_approving_asks_first(visit: Any, busy: Any) -> None:
    page = visit(f"runs/{busy.approving}", width=390).page
    button = page.get_by_role("button", name="Approve v3")
    expect(button).to_be_hidden()
    page.get_by_text("Approve …").click()
    button.click()
    expect(page.get_by_text("Approved by ana")).to_be_visible()
    expect(page.locator("#notice")).to_contain_text("Approved.")
    assert page.url == f"{busy.site.url}/runs/{busy.approving}", "loading it again does not say it again"


def test_rolling_back_and_sending_again(visit: Any, busy: Any) -> None:
    page = visit().page
    page.get_by_text("Roll back …").click()
    page.locator("#rollback-als").get_by_label("Why").fill("wrong data")
    page.get_by_role("button", name="Roll back to v1").click()
    expect(page.locator("#notice")).to_contain_text("The rollback was asked for.")
    expect(page.get_by_text("by ana: wrong data")).to_have_count(2)
    page.get_by_role("button", name="Send again: [CRITICAL] RecommenderDown").click()
    expect(page.locator("#notice")).to_contain_text("sent again")
    expect(page.locator(f"#dead-{busy.dead}")).to_have_count(0)


def test_nobody_promotes_without_choosing(visit: Any, busy: Any) -> None:
    page = visit(width=360).page
    page.get_by_text("Promote …").click()
    button = page.get_by_role("button", name="Promote in the place of v2")
    button.click()
    assert len(busy.site.get("/api/v1/rollbacks").json()) == 1, "nothing was sent"
    page.get_by_label("Version").select_option(label="v1 · ndcg@10 0.19 · was in service")
    button.click()
    expect(page.locator("#notice")).to_contain_text("The promotion was asked for.")
    assert busy.site.get("/api/v1/rollbacks").json()[-1]["target"] == "v1"


def test_rejecting_with_a_reason(visit: Any, busy: Any) -> None:
    page = visit(f"runs/{busy.approving}", scheme="dark").page
    page.get_by_text("Reject …").click()
    page.locator(f"#reject-{busy.approving}").get_by_label("Why").fill("do not like")
    page.get_by_role("button", name="Reject v3").click()
    expect(page.locator("main")).to_contain_text("rejected by ana: do not like")


def test_it_follows_what_happens(visit: Any, add_message: Any) -> None:
    seen = visit()
    page = seen.page
    page.get_by_text("Retrain …").click()
    why = page.locator("#retrain-als").get_by_label("Why")
    why.fill("half typed")
    page.evaluate("window.scrollTo(0, 300)")
    page.evaluate("window.kept = document.querySelector('#retrain-als')")
    add_message("[CRITICAL] News: from the bridge")
    expect(page.get_by_text("[CRITICAL] News: from the bridge")).to_be_visible(timeout=20_000)
    assert why.input_value() == "half typed"
    assert page.evaluate("document.activeElement.name") == "reason"
    assert page.evaluate("window.kept.isConnected && window.kept.open")
    assert page.evaluate("window.scrollY") == 300
    assert seen.said == []


def test_it_says_when_the_bridge_is_away(visit: Any) -> None:
    page = visit().page
    page.context.set_offline(True)
    expect(page.locator("#away")).to_contain_text("The bridge does not answer", timeout=20_000)
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden(timeout=20_000)


def test_a_logout_elsewhere_ends_it(visit: Any, busy: Any) -> None:
    page = visit().page
    other = page.context.new_page()
    other.goto(busy.site.url)
    other.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Token")).to_be_visible(timeout=20_000)


def test_it_works_without_scripts(visit: Any, busy: Any) -> None:
    page = visit(java_script_enabled=False).page
    page.get_by_role("link", name="als v3").first.click()
    page.get_by_text("Reject …").click()
    page.get_by_role("button", name="Reject v3").click()
    expect(page.locator("#notice")).to_contain_text("Rejected.")
    page.get_by_role("link", name="All runs").click()
    page.get_by_text("Send all again …").click()
    page.get_by_role("button", name="Send all again").click()
    wait_until(lambda: busy.site.get("/api/v1/dead-letters").json() == [])
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_link_out_of_a_message_arrives(visit: Any, busy: Any) -> None:
    """The cookie is strict, and the link comes from another site: the browser is asked once more."""
    page = visit().page
    target = f"{busy.site.url}/runs/{busy.approving}"
    elsewhere = "http://localhost:9/mail"
    page.route(
        elsewhere,
        lambda route: route.fulfill(
            body=f"<a href='{target}'>Approve</a>", headers={"content-type": "text/html"}
        ),
    )
    page.goto(elsewhere)
    page.get_by_role("link", name="Approve").click()
    expect(page.locator("h1")).to_have_text("als v3", timeout=20_000)


def test_a_wrong_token_is_said(chromium: Browser, busy: Any) -> None:
    page = chromium.new_page()
    page.goto(f"{busy.site.url}/runs/{busy.approving}")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("no such token")
    page.get_by_label("Token").fill("look-77ab")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("als v3")
    expect(page.get_by_text("log in with a token of the scope manage")).to_be_visible()
    assert page.locator("main button").count() == 0
    page.close()


_LOW_CONTRAST = """() => {
  const light = rgb => rgb.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parse = text => text.match(/[0-9.]+/g).map(Number);
  const ground = node => { for (; node; node = node.parentElement) {
    const found = parse(getComputedStyle(node).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found.slice(0, 3); } return [255, 255, 255]; };
  const low = [];
  for (const node of document.querySelectorAll('body *')) {
    const words = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!words || node.closest('svg')) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) low.push(node.className + ' ' + node.textContent.slice(0, 40));
  }
  return low;
}"""
