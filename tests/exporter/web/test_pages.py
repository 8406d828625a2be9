import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch_exporter.exporter import Exporter

PAGES = ("/", "/?state=drift&q=drifted", "/checks/drifted", "/checks/hostile", "/checks/titles", "/nothing")


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


def test_the_list_shows_every_state(site: str) -> None:
    page = get(f"{site}/").text
    for words in ("Drift ", "Failed ", "Overdue ", "Too few rows ", "Not yet run ", "No drift "):
        assert f">{words}<small>" in page
    assert "<title>1 with drift · recwatch</title>" in page
    assert "as of 2026-03-02 09:00:00 UTC" in page
    assert '<meta http-equiv="refresh" content="30">' in page


def test_filter_and_search(site: str) -> None:
    def names(query: str) -> list[str]:
        return re.findall(r'href="checks/([a-z]+)"', get(f"{site}/{query}").text)

    assert names("?state=drift") == ["drifted"]
    assert names("?q=als") == ["titles"]
    assert names("?state=steady&q=ks+rating") == ["steady"]
    assert names("?q=nothing+of+the+kind") == []
    assert "http-equiv" not in get(f"{site}/?refresh=off").text


def test_a_checks_own_page(site: str) -> None:
    page = get(f"{site}/checks/drifted").text
    assert "<h1><bdi>drifted</bdi></h1>" in page
    assert "reaches the threshold 0.1, and chance hardly explains it" in page
    assert "4.5: reference 0 %, current 40 %" in page
    assert "3 runs as a table" in page
    assert "http-equiv" not in page, "what is open stays open"
    assert 'http-equiv="refresh"' in get(f"{site}/checks/waiting").text
    failed = get(f"{site}/checks/failed").text
    assert "The last run failed: current: " in failed
    assert "data missing, or not as asked: 1" in failed


@pytest.mark.parametrize("path", PAGES)
def test_data_is_text_wherever_it_stands(path: str, site: str) -> None:
    answer = get(f"{site}{path}")
    page = answer.content.decode("utf-8")
    assert "<script" not in page
    assert "</td><script" not in page
    assert " style=" not in page
    assert "\u202e" not in page
    if path.endswith(("hostile", "titles")):
        assert "&lt;script&gt;alert(" in page


def test_no_such_page_looks_like_the_others(site: str) -> None:
    for path, root in (("/nothing", "./"), ("/a/b/c", "../../"), ("/checks/nothing", "../")):
        answer = get(f"{site}{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert f'<a href="{root}">All checks</a>' in answer.text
    assert "There is no check &lt;script&gt;" in get(f"{site}/checks/<script>").text


def test_programs_are_answered_without_a_page(site: str) -> None:
    for path in ("/-/nothing", "/api/nothing"):
        answer = get(f"{site}{path}")
        assert (answer.status_code, answer.text) == (404, "There is nothing at this address.\n")
    assert requests.post(f"{site}/", timeout=10).status_code == 405


def test_a_thousand_checks(config_file: Callable[..., Path], site: str, exporter: Exporter) -> None:
    def plain(number: int) -> dict[str, Any]:
        sides = {"reference": {"path": "r.parquet"}, "current": {"path": "c.parquet"}}
        return {"name": f"check_{number}", "type": "ks", "column": "x", **sides}

    exporter.path = config_file(*(plain(number) for number in range(1000)))
    exporter.state.configure(
        type(exporter.config).model_validate({"checks": [plain(n) for n in range(1000)]}).checks
    )
    page = get(f"{site}/").text
    assert page.count('href="checks/') == 100
    assert "page 1 of 10" in page
    assert len(page) < 250_000
    assert 'href="checks/check_999"' in get(f"{site}/?page=10").text
    assert 'href="checks/check_999"' in get(f"{site}/?q=check_999").text
