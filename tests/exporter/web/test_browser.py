"""The pages in Chromium: what a person sees, and what the browser has to say about it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from recwatch_exporter.exporter import Exporter

pytestmark = pytest.mark.all
PAGES = (
    "",
    "checks/drifted",
    "checks/hostile",
    "checks/titles",
    "checks/failed",
    "checks/waiting",
    "nothing/at/all",
)


@dataclass
class Visit:
    """A page, with what the browser said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


def visit(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    scheme: Literal["dark", "light"] = "light",
    **options: Any,
) -> Visit:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options)
    seen = Visit(context.new_page())
    seen.page.on("console", lambda message: seen.said.append(message.text))
    seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
    seen.page.on("request", lambda request: seen.requested.append(request.url))
    seen.page.goto(url)
    return seen


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_without_complaint_and_asks_nobody_else(path: str, chromium: Browser, site: str) -> None:
    seen = visit(chromium, f"{site}/{path}")
    said = [text for text in seen.said if not (path.startswith("nothing") and "404" in text)]
    assert said == []
    assert all(url.startswith(site) for url in seen.requested)
    assert seen.page.evaluate("document.styleSheets.length") == 1, "the policy lets its style through"
    assert seen.page.evaluate("getComputedStyle(document.querySelector('.top')).display") == "flex"
    assert seen.page.locator("h1").count() == 1
    seen.page.context.close()


def test_the_browser_would_complain(chromium: Browser, site: str) -> None:
    seen = visit(chromium, site)
    with seen.page.expect_console_message() as said:
        seen.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1:1/x.png>')"
        )
    assert "Content Security Policy" in said.value.text
    seen.page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_dark_and_light_differ(path: str, chromium: Browser, site: str) -> None:
    grounds, pictures = [], []
    for scheme in ("dark", "light"):
        seen = visit(chromium, f"{site}/{path}", scheme=scheme)
        grounds.append(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        pictures.append(seen.page.screenshot())
        seen.page.context.close()
    assert grounds == ["rgb(21, 24, 28)", "rgb(255, 255, 255)"]
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [320, 390, 800])
def test_a_small_screen_scrolls_one_way_only(path: str, width: int, chromium: Browser, site: str) -> None:
    seen = visit(chromium, f"{site}/{path}", width=width)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.page.context.close()


def test_hostile_text_is_read_as_text(chromium: Browser, site: str) -> None:
    seen = visit(chromium, f"{site}/checks/hostile")
    dialogs: list[str] = []
    seen.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    unfit = "\N{REPLACEMENT CHARACTER}"
    shown = f"</td><script>alert('data')</script>{unfit}{unfit} \N{CLAPPER BOARD}"
    assert seen.page.locator("h3 bdi", has_text=shown).count() == 3
    assert seen.page.locator("script").count() == 0
    assert dialogs == []
    seen.page.context.close()


def test_search_filter_and_links_without_any_script(chromium: Browser, site: str) -> None:
    seen = visit(chromium, site, java_script_enabled=False)
    page = seen.page
    for words in ("drift", "failed", "overdue", "too few rows", "not yet run", "no drift"):
        assert page.locator(".checks .state", has_text=words).first.is_visible()
    page.get_by_role("searchbox").fill("vector als")
    page.get_by_role("button", name="Search").click()
    assert page.locator(".checks tbody th a").all_inner_texts() == ["titles"]
    page.get_by_role("link", name="clear").click()
    page.get_by_role("navigation", name="States").get_by_role("link", name="failed").click()
    assert page.locator(".checks tbody th a").all_inner_texts() == ["failed"]
    page.get_by_role("link", name="failed", exact=True).last.click()
    assert page.locator("h1").inner_text() == "failed"
    page.get_by_text("How to read ks").click()
    assert page.get_by_text("greatest distance between").first.is_visible()
    page.get_by_role("link", name="All checks").click()
    assert page.locator("h1").inner_text() == "Drift checks"
    page.context.close()


def test_text_stands_out_from_its_ground(chromium: Browser, site: str) -> None:
    """Every colour of text has a contrast of 4.5 or more (WCAG 2.1, success criterion 1.4.3)."""
    for scheme in ("dark", "light"):
        seen = visit(chromium, site, scheme=scheme)
        low = seen.page.evaluate(_LOW_CONTRAST)
        assert low == []
        seen.page.context.close()


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


def test_a_reader_finds_names_and_labels(chromium: Browser, site: str, exporter: Exporter) -> None:
    seen = visit(chromium, site, width=390)
    page = seen.page
    assert page.get_by_role("table").count() == 6, "tables stay tables on a small screen"
    assert page.get_by_role("rowheader").count() == len(exporter.config.checks)
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("svg:not([role=img]):not([aria-hidden]):not(svg svg)").count() == 0
    page.context.close()
