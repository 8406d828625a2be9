"""Every dashboard in a real Grafana: nothing fails, nothing is empty without a reason.

    GRAFANA_URL=http://localhost:3000 pytest tests/grafana/test_in_grafana.py

GRAFANA_TOKEN_FILE names a file with a token, where nobody may look without one. GRAFANA_PICTURES names
the folder for the pictures: docs/images for those of the documentation.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, Route

from recwatch.testing import wait_until
from recwatch_dashboards.generate import DASHBOARDS
from recwatch_dashboards.seen import READ, Seen, complaints, is_loading

pytestmark = pytest.mark.all
URL = os.environ.get("GRAFANA_URL", "").rstrip("/")
WIDTH = 1600
# Beyond this Chromium takes no picture.
TALLEST = 15_000
ROW = 38
"""Pixels of a unit of the grid, with the space below it."""


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that may look at Grafana."""
    if not URL:
        pytest.skip("no Grafana to look at: set GRAFANA_URL, such as http://localhost:3000")
    browser: Browser = request.getfixturevalue("chromium")
    context = browser.new_context(viewport={"width": WIDTH, "height": 1000})
    if token_file := os.environ.get("GRAFANA_TOKEN_FILE"):
        authorization = f"Bearer {Path(token_file).read_text(encoding='utf-8').strip()}"

        def with_token(route: Route) -> None:
            route.continue_(headers={**route.request.headers, "Authorization": authorization})

        # For Grafana alone: a page may ask others too.
        context.route(f"{URL}/**", with_token)
    yield context.new_page()
    context.close()


@pytest.fixture(params=sorted(DASHBOARDS))
def committed(request: pytest.FixtureRequest, folder: Path) -> tuple[str, dict[str, Any]]:
    """Each dashboard's name and file in turn."""
    text = (folder / "dashboards" / f"{request.param}.json").read_text(encoding="utf-8")
    return request.param, json.loads(text)


def test_a_dashboard_opens_without_errors_and_explains_what_is_empty(
    page: Page, committed: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    name, board = committed
    seen: list[Seen] = []
    refused: list[Response] = []

    def note(response: Response) -> None:
        # The panel shows no more than an icon.
        if response.status >= HTTPStatus.BAD_REQUEST and "/api/ds/query" in response.url:
            refused.append(response)

    page.on("response", note)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    # Grafana makes the panels in view only: the window is as tall as the dashboard.
    page.set_viewport_size({"width": WIDTH, "height": min(TALLEST, height * ROW + 300)})
    page.goto(f"{URL}/d/{board['uid']}?from=now-6h&to=now&refresh=&kiosk")

    def is_done() -> bool:
        seen[:] = [Seen(**panel) for panel in page.evaluate(READ)]
        return not is_loading(seen, board)

    # What still loads then is among the complaints.
    with suppress(TimeoutError):
        wait_until(is_done, timeout=60)
        # Rows that are repeated make it taller.
        tall = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": WIDTH, "height": min(TALLEST, max(tall, 1000))})
        wait_until(is_done, timeout=60)
    pictures = Path(os.environ.get("GRAFANA_PICTURES", str(tmp_path)))
    page.screenshot(path=pictures / f"dashboard-{name}.png")
    page.remove_listener("response", note)

    assert (complaints(seen, board), [response.text()[:500] for response in refused]) == ([], [])


def test_a_variable_of_a_link_is_kept(page: Page) -> None:
    page.goto(f"{URL}/d/recwatch-overview?from=now-1h&to=now&var-model=als&refresh=")
    link = page.locator('a[href*="/d/recwatch-service"]').first
    page.get_by_text("recwatch dashboards").first.click()
    link.wait_for()
    address = link.get_attribute("href") or ""

    assert "var-model=als" in address
    assert "from=now-1h" in address
