"""HTML and SVG by functions: whatever is not markup already is escaped, so data is text wherever it stands.

Most of what the page shows comes from data: names of columns, values, ids, messages of engines.
"""

import html
import re
from collections.abc import Iterable

# Elements without a closing tag in HTML; inside SVG every empty element closes itself.
_VOID = frozenset({"meta", "link", "input", "br", "col"})
_EMPTY = frozenset({"rect", "line", "path", "circle", "polyline", "polygon", "use"})
# What a browser would drop, refuse or let turn the line around: control characters, halves of surrogate
# pairs, directions of writing.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """Text that is markup already: made by `tag`, never out of data."""

    __slots__ = ()


Content = str | int | None | Iterable["Content"]
"""What an element holds: markup, text to be escaped, nothing, or several of them."""


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """An element.

    Args:
        name: of the element.
        content: its children, in order.
        attributes: `class_` gives `class`, `aria_label` gives `aria-label`; True gives an attribute without a
            value, None and False none at all.
    """
    inside = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{inside}>")
    body = join(content)
    if not body and name in _EMPTY:
        return Markup(f"<{name}{inside}/>")
    return Markup(f"<{name}{inside}>{body}</{name}>")


def join(content: Content) -> Markup:
    """Content one after the other, escaped where it is not markup."""
    if isinstance(content, Markup):
        return content
    if content is None:
        return Markup("")
    if isinstance(content, str | int):
        return Markup(html.escape(clean(str(content)), quote=True))
    return Markup("".join(join(item) for item in content))


def clean(text: str, most: int | None = None) -> str:
    """Text that a browser shows as it stands: no control characters, at most `most` characters long."""
    if most is not None and len(text) > most:
        text = f"{text[: most - 1]}…"
    return _UNFIT.sub(_UNKNOWN, text)


def _attribute(key: str, value: str | float | bool | None) -> str:  # noqa: FBT001 - an attribute's value
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-") if key not in _CAMEL else _CAMEL[key]
    if value is True:
        return f" {name}"
    return f' {name}="{html.escape(clean(_text(value)), quote=True)}"'


_CAMEL = {"viewBox": "viewBox", "preserveAspectRatio": "preserveAspectRatio", "http_equiv": "http-equiv"}


def _text(value: str | float) -> str:
    """A coordinate to a hundredth, which is finer than any screen, so that pictures stay small."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
