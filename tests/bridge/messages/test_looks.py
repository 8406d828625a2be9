"""An email as a browser shows it, with a picture that a real Prometheus had the numbers for."""

import base64
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from recwatch.testing import wait_until
from recwatch_bridge.messages.compose import compose
from recwatch_bridge.messages.notification import Entry, Graph, Notification
from recwatch_bridge.messages.pictures import Pictures, ask_and_draw
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.storage.store import Store

pytestmark = pytest.mark.all
PHONE, DESK = 360, 1280
DARK = "rgb(21, 24, 28)"


@pytest.fixture(scope="module")
def prometheus(run_prometheus: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with a rule that fires, as it sees itself."""
    rule = {
        "alert": "IsUp",
        "expr": "sum by (job) (up) > 0.5 and on () vector(1)",
        "labels": {"severity": "info"},
    }
    folder = tmp_path_factory.mktemp("prometheus")
    with run_prometheus(folder, [rule]) as program:
        yield Prometheus(program.url)


def test_a_real_metric_is_drawn_into_the_email(
    prometheus: Prometheus, store: Store, metrics: BridgeMetrics, message: Any
) -> None:
    graph = Graph("IsUp", time.time(), ({"alertname": "IsUp", "severity": "info", "job": "prometheus"},))
    wait_until(lambda: ask_and_draw(prometheus, graph, time.time()) is not None, timeout=60)
    pictures = Pictures(prometheus, store, metrics=metrics)
    said = Notification("[INFO] IsUp", "info", (Entry("IsUp"),), graph=graph)
    email = Renderer(pictures=pictures).email(message(said), sender="a@example.com", to=["b@example.com"])
    [picture] = [part for part in email.walk() if part.get_content_type() == "image/png"]
    content = picture.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.startswith(b"\x89PNG")


def shown(
    chromium: Browser, email: EmailMessage, width: int, scheme: Literal["dark", "light"]
) -> tuple[Page, list[str]]:
    """Show an email's HTML with its picture, as a mail program does; also what it asks the network for."""
    html = email.get_body(("html",))
    assert isinstance(html, EmailMessage)
    text = html.get_content()
    for part in email.walk():
        if part.get_content_type() == "image/png":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            data = base64.b64encode(content).decode()
            text = text.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{data}")
    page = chromium.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(text)
    return page, [url for url in asked if not url.startswith("data:")]


@pytest.fixture
def email(webhook: Any, alert: Any, message: Any) -> EmailMessage:
    """Ten alerts with names that no line holds, and a picture."""

    class Picture:
        def of(self, _message: object) -> bytes:
            return base64.b64decode(
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
            )

    group = webhook(
        *(
            alert(
                "Alert" + "Long" * 20,
                fingerprint=f"f{number}",
                labels={"check": f"{number}" + "x" * 90},
                annotations={"summary": f"{number} <b>" + "y" * 90, "value": f"{number}.125"},
            )
            for number in range(10)
        )
    )
    said = compose(group, group.alerts, now=time.time())
    return Renderer(external_url="https://bridge.example", pictures=Picture()).email(
        message(said), sender="a@example.com", to=["b@example.com"]
    )


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_loads_nothing(
    chromium: Browser, email: EmailMessage, width: int, scheme: Literal["dark", "light"]
) -> None:
    page, asked = shown(chromium, email, width, scheme)
    assert asked == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("b").count() == 0
    assert page.locator("img").evaluate("image => image.naturalWidth") == 1
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == DARK) == (scheme == "dark")
    assert page.locator("tr.row").count() == 10
    # On a phone each value names itself; on a desk the head does.
    assert page.locator(".unit").first.is_visible() == (width == PHONE)
    assert page.locator("tr.heads").is_visible() == (width == DESK)
    page.close()
