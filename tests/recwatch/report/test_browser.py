"""The report in Chromium, about a real Prometheus: what a person sees, and what the browser says about it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from recwatch.report.asking import ask
from recwatch.report.building import build
from recwatch.report.page import page
from recwatch.report.period import period_until
from recwatch.report.prometheus import Prometheus

pytestmark = pytest.mark.all
WEEK = timedelta(days=7)


@dataclass
class Visit:
    """A page, with what the browser said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def measure(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture(scope="module")
def file(
    run_prometheus: Callable[..., AbstractContextManager[Any]],
    tools: Any,
    scenes: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A report about a week."""
    folder = tmp_path_factory.mktemp("report-week")
    scenes.normal(WEEK.total_seconds()).write(folder, tools.promtool)
    period = period_until(scenes.END, WEEK)
    with run_prometheus(folder, []) as prometheus:
        answers = ask(Prometheus(prometheus.url), period)
    assert answers.failed == {}
    path = folder / "report.html"
    path.write_text(page(build(answers, period, source="Prometheus")), encoding="utf-8")
    assert path.stat().st_size < 200_000
    return path


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser, file: Path) -> Iterator[Visitor]:
    contexts = []

    def go(width: int, scheme: Literal["dark", "light"] = "light", **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.on("request", lambda request: seen.requested.append(request.url))
        seen.page.goto(file.as_uri())
        return seen

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1240, 800, 390, 320])
def test_nothing_is_cut_and_nothing_is_fetched(
    visit: Visitor, file: Path, width: int, scheme: Literal["dark", "light"]
) -> None:
    seen = visit(width, scheme)
    assert seen.said == []
    assert seen.requested == [file.as_uri()]
    assert seen.measure("document.documentElement.scrollWidth") <= width
    # Whatever holds text is as wide as its text at least.
    assert (
        seen.measure("""[...document.querySelectorAll("td, th, figure, p, li, dd")]
        .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
        .map(one => one.outerHTML.slice(0, 90))""")
        == []
    )


def test_pictures_can_be_read(visit: Visitor) -> None:
    for width in (1240, 390):
        seen = visit(width)
        sizes = seen.measure("""[...document.querySelectorAll("svg text")]
            .map(one => one.getBoundingClientRect().height)""")
        assert len(sizes) > 200
        assert min(sizes) >= 9
        outside = seen.measure("""[...document.querySelectorAll("svg")].flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter(one => {
                const own = one.getBoundingClientRect();
                return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom + 1;
            }).map(one => one.textContent);
        })""")
        assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit: Visitor, scheme: Literal["dark", "light"]) -> None:
    # WCAG 2.2, 1.4.3: 4.5 to 1.
    contrast = visit(1240, scheme).measure("""() => {
        const numbers = text => text.match(/[\\d.]+/g).map(Number);
        const light = colour => numbers(colour).slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
        const ground = one => {
            for (; one; one = one.parentElement) {
                const colour = getComputedStyle(one).backgroundColor;
                if (numbers(colour)[3] !== 0) return colour;
            }
            return "rgb(255, 255, 255)";
        };
        return [...document.querySelectorAll("body *")]
            .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .filter(one => !one.matches(".inside, title"))
            .map(one => {
                const style = getComputedStyle(one);
                const colour = one instanceof SVGElement ? style.fill : style.color;
                const [low, high] = [light(colour), light(ground(one))].sort((a, b) => a - b);
                return [(high + 0.05) / (low + 0.05), one.outerHTML.slice(0, 80)];
            })
            .filter(([ratio]) => ratio < 4.5);
    }""")
    assert contrast == []


def test_links_jump_to_their_section(visit: Visitor) -> None:
    seen = visit(1240)
    seen.page.get_by_role("link", name="DriftDetected fires").click()
    assert seen.measure("document.querySelector('#alerts').getBoundingClientRect().top") < 10


def test_it_works_without_its_style(visit: Visitor) -> None:
    """As a mail program shows it that strips it."""
    seen = visit(390)
    seen.measure("document.querySelector('style').remove()")
    assert seen.page.get_by_role("heading", name="Objectives").is_visible()
    assert seen.page.get_by_role("row", name="als shop availability").first.is_visible()
