"""What templates make of data: words for times, and nothing that a browser could misread."""

import pytest
from starlette.requests import Request

from recwatch_bridge.web.markup import Templates, clean, is_http, lasted, relative, root_of, static_path


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7199, "119 min ago"),
        (7200, "2 h ago"),
        (172_799, "47 h ago"),
        (172_800, "2 d ago"),
        (-1, "in a moment"),
        (-90, "in 1 min"),
        (-90_000, "in 25 h"),
    ],
)
def test_how_long_ago(seconds: float, told: str) -> None:
    assert relative(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (45.4, "45 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (273_600, "3 d 4 h"), (-5, "0 s")],
)
def test_how_long(seconds: float, told: str) -> None:
    assert lasted(seconds) == told


def test_text_that_turns_the_line_around_is_shown_as_unknown() -> None:
    assert clean("a\u202eb\ud800c\x00d\ne") == "a\ufffdb\ufffdc\ufffdd\ne"
    assert clean(7) == 7


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://github.com/a/b/actions/runs/1", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("http://a b", False),
        ("//elsewhere", False),
        (None, False),
    ],
)
def test_links_lead_to_web_addresses_only(url: str | None, good: bool) -> None:  # noqa: FBT001
    assert is_http(url) == good


def test_addresses_are_relative() -> None:
    assert [root_of(path) for path in ("/", "/login", "/runs/x", "/models/a/retrain")] == [
        "./",
        "./",
        "../",
        "../../",
    ]
    assert static_path("style.css").startswith("static/style.css?v=")


def test_a_page_of_its_own_for_what_is_refused() -> None:
    request = Request({"type": "http", "path": "/x", "headers": [], "query_string": b""})
    answer = Templates(lambda: 0.0).message(request, 404, "no <b>such</b> page")
    text = bytes(answer.body).decode()
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in text
    assert "no &lt;b&gt;such&lt;/b&gt; page" in text
