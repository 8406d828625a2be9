"""HTML out of templates. Whatever goes in is data: escaped, and free of what a browser would misread."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from recwatch import __version__
from recwatch_bridge.clock import Clock, moment, readable
from recwatch_bridge.web.headers import PAGE_POLICY

STATIC = {"style.css": "text/css", "page.js": "text/javascript", "favicon.svg": "image/svg+xml"}
"""What lies beside the page, by name: its media type."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS = (("d", _DAY, 2 * _DAY), ("h", _HOUR, 2 * _HOUR), ("min", _MINUTE, _MINUTE))
_NOTHING = "\N{EN DASH}"
_HEADINGS = {401: "Not logged in", 403: "Not allowed", 404: "Not found", 409: "Not done", 429: "Too often"}
# For programs, whatever their Accept header says.
_MACHINE = re.compile(r"/(api|notify|actions|watchdog|retrain|metrics|-|static|pictures)(/|$)")
# What a browser would drop, refuse or let turn the line around: control characters, halves of surrogate
# pairs, directions of writing.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


class Templates:
    """The bridge's pages.

    Args:
        clock: gives now, for how long ago something was.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("recwatch_bridge.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=clean,
            auto_reload=False,
        )
        self._environment.filters |= {"ago": self._ago, "number": number, "lasted": lasted, "http": is_http}
        self._environment.globals |= {"program": f"recwatch {__version__}", "static": static_path}

    def page(
        self,
        request: Request,
        name: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Response:
        """Render a page.

        Args:
            request: which asked for it.
            name: the template's, without `.html`.
            status: of the answer.
            headers: beside those that every page has.
            context: what the template needs.
        """
        shared = {
            "root": root_of(request.url.path),
            "person": getattr(request.state, "caller", None),
            "notice": None,
        }
        text = self._environment.get_template(f"{name}.html").render(shared | dict(context or {}))
        return HTMLResponse(text, status, {"content-security-policy": PAGE_POLICY, **(headers or {})})

    def message(
        self, request: Request, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Render a page that says one thing, such as that there is no such page."""
        heading = _HEADINGS.get(status, "Not done" if status < 500 else "Not working")  # noqa: PLR2004
        return self.page(request, "message", status, headers, {"heading": heading, "text": text})

    def _ago(self, at: float | datetime | None) -> Markup:
        """When something was or will be: how long ago, and the time itself; the tooltip has its seconds."""
        if at is None:
            return escape(_NOTHING)
        at = moment(at) if not isinstance(at, datetime) else at.astimezone(UTC)
        told = relative(self._clock() - at.timestamp())
        text = Markup('<time datetime="{}" title="{}">{}</time> <small class="at">{}</small>')
        return text.format(at.isoformat(), readable(at), told, f"{at:%Y-%m-%d %H:%M} UTC")


def wants_html(request: Request) -> bool:
    """Tell whether a person's browser is asking, for something that is a page."""
    return not _MACHINE.match(request.url.path) and "text/html" in request.headers.get("accept", "")


def root_of(path: str) -> str:
    """The relative address of `/` as seen from a path, so that the page works behind a proxy's path too."""
    return "../" * (path.count("/") - 1) or "./"


def clean(value: Any) -> Any:
    """Replace what a browser does not show as it stands; what is no text stays as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)
    return _NOTHING if value is None else value


def number(value: float) -> str:
    """Write a number for people: four digits that count."""
    return f"{value:.4g}"


def is_http(url: str | None) -> bool:
    """Tell whether something is an address that a link may lead to."""
    return url is not None and re.fullmatch(r"https?://[^\s/][^\s]*", url) is not None


def lasted(seconds: float) -> str:
    """Write a duration: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def relative(seconds: float) -> str:
    """Write how long ago something was, or in how long it will be where that is negative."""
    if abs(seconds) < _MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    unit, size = next((unit, size) for unit, size, least in _STEPS if abs(seconds) >= least)
    count = int(abs(seconds) // size)
    return f"{count} {unit} ago" if seconds >= 0 else f"in {count} {unit}"


@cache
def static_file(name: str) -> bytes:
    """The content of one of `STATIC`."""
    return resources.files("recwatch_bridge.web").joinpath("static", name).read_bytes()


@cache
def static_path(name: str) -> str:
    """The address of one of `STATIC`, relative to `/`; changes with its content."""
    return f"static/{name}?v={hashlib.sha256(static_file(name)).hexdigest()[:12]}"
