"""What all pages share: head, style, top and bottom, the signs of the states."""

import base64
import hashlib
from functools import cache
from importlib import resources

from recwatch import __version__
from recwatch_exporter.web.markup import Content, Markup, tag
from recwatch_exporter.web.words import ago, moment

_REFRESH_SECONDS = 30
# Shapes, so that no state is told by colour alone.
_ICONS = {
    "drift": tag("path", class_="full", d="M6 1 L11.5 11 L0.5 11 Z"),
    "failed": tag("path", d="M2 2 L10 10 M10 2 L2 10"),
    "overdue": (tag("circle", cx=6, cy=6, r=5), tag("path", d="M6 3 L6 6 L8 7.5")),
    "few-rows": (
        tag("rect", x=1, y=1, width=10, height=10),
        tag("rect", class_="full", x=1, y=8, width=10, height=3),
    ),
    "waiting": tag("circle", cx=6, cy=6, r=4.5, stroke_dasharray="2 2.6"),
    "steady": tag("path", d="M1.5 6.5 L4.5 9.5 L10.5 2.5"),
}
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke-width="2">'
    '<path d="M1 12 C4 12 4 4 6.5 4 S9 12 12 12" stroke="#8a96a3"/>'
    '<path d="M4 12 C7 12 7 4 9.5 4 S12 12 15 12" stroke="#3584e4"/></svg>'
)
"""The sign of the page in a browser's tab: one distribution moved away from another."""


def document(title: str, *content: Content, root: str, refresh: bool = False) -> str:
    """A whole page.

    Args:
        title: of the page, in the browser's tab.
        content: what stands between top and bottom.
        root: the relative address of the list of checks, so that the page works behind a proxy's path too.
        refresh: whether the browser loads the page anew every 30 s.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="refresh", content=str(_REFRESH_SECONDS)) if refresh else None,
        tag("title", title),
        tag("link", rel="icon", href=f"{root}favicon.svg", type="image/svg+xml"),
        tag("style", _style()),
    )
    top = tag(
        "header",
        tag("strong", tag("a", "recwatch drift", href=root)),
        tag(
            "nav",
            tag("a", "Metrics", href=f"{root}metrics"),
            tag("a", "JSON", href=f"{root}api/v1/checks"),
            aria_label="Other views",
        ),
        class_="top",
    )
    skip = tag("a", "Skip to the checks", class_="skip", href="#main")
    bottom = tag("footer", f"recwatch {__version__}", class_="bottom")
    body = tag("body", skip, top, tag("main", *content, id="main"), bottom)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def message_page(heading: str, text: str, *, root: str) -> str:
    """A page that says one thing, such as that there is no such page."""
    back = tag("p", tag("a", "All checks", href=root))
    return document(f"{heading} · recwatch", tag("h1", heading), tag("p", text), back, root=root)


def content_security_policy() -> str:
    """A policy under which a browser takes the page's own style and icon, and no script at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def state_sign(kind: str, words: str) -> Markup:
    """A state as a shape and a word."""
    icon = tag("svg", _ICONS[kind], class_="icon", viewBox="0 0 12 12", aria_hidden="true")
    return tag("span", icon, words, class_=f"state {kind}")


def time_text(at: float, now: float) -> Markup:
    """How long ago or in how long; the time itself in the tooltip."""
    return tag("time", ago(at, now), datetime=moment(at)[:-4].replace(" ", "T") + "Z", title=moment(at))


def root_of(path: str) -> str:
    """The relative address of the list of checks, as seen from a path of this application."""
    return "../" * (path.count("/") - 1) or "./"


@cache
def _style() -> Markup:
    return Markup(resources.files("recwatch_exporter.web").joinpath("style.css").read_text(encoding="utf-8"))
