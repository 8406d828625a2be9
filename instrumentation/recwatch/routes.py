"""Find the template of the route that answered a request: `/users/{id}`, never `/users/17`.

Read from the routes of a Starlette or FastAPI application without importing either. A route says in the scope
that it answered, but not under which prefix it was mounted or included: templates are collected from the top.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["UNMATCHED", "Found", "RouteTemplates", "readable"]

UNMATCHED = "unmatched"

# Routes that are added while the service runs are found; an application that makes routes for every request
# must not make us walk through them all every time.
_MOST_REBUILDS = 100
# Middleware around an application, one in another.
_MOST_LAYERS = 50
_CONVERTOR = re.compile(r"\{(\w+):\w+\}")
_PARAMETER = re.compile(r"\\\{\w+\\\}")
_BRACKETED = re.compile(r"<([^<>]+)>")
_REGEX_SIGNS = re.compile(r"\(\?|[\\^$]")
_REGEX_TOKEN = re.compile(
    r"""(?P<escape>\\.) | (?P<set>\[\^?\]?[^\]]*\]) | (?P<drop>\{\d*,?\d*\} | [\^$?*+|])
    | \(\?P<(?P<name>\w+)> | (?P<look>\(\?<?[=!]) | (?P<group>\((\?:)?) | (?P<close>\)) | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Found:
    """A route as it was found: what the scope names it by, its whole template, its methods; or a mount."""

    markers: tuple[object, ...]
    template: str
    methods: frozenset[str] = frozenset()
    mount: bool = False


class RouteTemplates:
    """The templates of one application's routes.

    Args:
        app: an application with `routes`, or middleware around one, which keeps what it wraps in `app`. Any
            other is taken to have none, until a request's scope names one that does.
    """

    def __init__(self, app: object) -> None:
        self._app = app
        # By id: a mounted application need not be hashable. The markers are kept, so an id stays theirs.
        self._templates: dict[int, tuple[object, list[str]]] = {}
        self.single: dict[int, str] = {}
        """The template by the id of a route or endpoint that has but one: what nearly every request needs."""
        self._rebuilds = 0
        self.mounts = True
        """Whether other applications may be mounted in it; true as well where its routes are not known."""

    def methods(self) -> list[tuple[str, str]]:
        """Every (method, template) that the application answers, without the HEAD that comes with a GET."""
        return [(method, found.template) for found in self._every() for method in found.methods - {"HEAD"}]

    def find(self, scope: Mapping[str, Any], ignore: object = None) -> str:
        """The template of the route that a request's scope names, `unmatched` if none.

        Args:
            scope: the scope after the application has handled the request.
            ignore: the endpoint that the scope named before, put there by an application further out.
        """
        for marker in (scope.get("route"), scope.get("endpoint")):
            if marker is None or marker is ignore:
                continue
            if id(marker) not in self._templates and self._rebuilds < _MOST_REBUILDS:
                self._rebuild(scope)
            if id(marker) in self._templates:
                return _best(self._templates[id(marker)][1], str(scope.get("path", "")))
        return UNMATCHED

    def _rebuild(self, scope: Mapping[str, Any]) -> None:
        self._rebuilds += 1
        every = self._every()
        if not every and scope.get("app") is not None:
            self._app = scope["app"]
            every = self._every()
        self._templates = {}
        for found in every:
            for marker in found.markers:
                _, templates = self._templates.setdefault(id(marker), (marker, []))
                if found.template not in templates:
                    templates.append(found.template)
        self.single = {at: found[0] for at, (_, found) in self._templates.items() if len(found) == 1}

    def _every(self) -> list[Found]:
        every = list(_walk(_routes(self._app), ""))
        self.mounts = not every or any(found.mount for found in every)
        return every


def _routes(app: Any) -> list[Any]:
    """The routes of an application, of the outermost one that has any where others are wrapped around it."""
    for _ in range(_MOST_LAYERS):
        routes = getattr(app, "routes", None)
        if routes is not None:
            return list(routes)
        app = getattr(app, "app", None)
    return []


def readable(rule: str, *, name_first: bool = False) -> str:
    """A rule of Django, Flask or Bottle as a template.

    `users/<int:pk>` is `users/{pk}`, `^users/(?P<pk>[0-9]+)/$` is `users/{pk}/`; what has no name is `{}`.

    Args:
        rule: as the framework writes it.
        name_first: whether a parameter's name stands before its type, as in Bottle.
    """
    if _REGEX_SIGNS.search(rule):
        rule = _without_regex(rule)
    return _BRACKETED.sub(lambda match: f"{{{_name(match[1], first=name_first)}}}", rule)


def _name(parameter: str, *, first: bool) -> str:
    return parameter.split(":", 1)[0] if first else parameter.rsplit(":", 1)[-1]


def _without_regex(rule: str) -> str:
    """Groups, sets and classes of a regular expression as parameters; anchors and quantifiers gone."""
    kept: list[str] = []
    depth = 0
    for token in _REGEX_TOKEN.finditer(rule):
        kind, text = token.lastgroup, token[0]
        if text[0] == "(":
            if depth == 0 and kind != "look":
                kept.append(f"{{{token['name'] or ''}}}")
            depth += 1
        elif kind == "close":
            depth -= 1
        elif depth > 0 or kind == "drop":
            continue
        elif kind == "set" or (kind == "escape" and text[1] in "dDwWsS"):
            kept.append("{}")
        elif kind == "escape":
            kept.append("" if text[1] in "AZbB" else text[1])
        else:
            kept.append(text)
    return "".join(kept)


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[Found]:
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        inner = getattr(route, "routes", None)
        if included is not None:  # FastAPI's included router: one original route can stand in several places
            for context in included():
                if (placed := getattr(context, "starlette_route", None)) is not None:
                    yield from _walk([placed], prefix)
                else:
                    yield _leaf(context, prefix, getattr(context, "original_route", None))
        elif inner:
            base = prefix + _plain(getattr(route, "path", ""))
            yield Found((route, getattr(route, "app", None)), UNMATCHED, mount=True)
            yield from _walk(inner, base)
        else:
            yield _leaf(route, prefix, route)


def _leaf(route: Any, prefix: str, marker: object) -> Found:
    if hasattr(route, "endpoint"):
        endpoint, path = (
            route.endpoint,
            str(getattr(route, "path_format", None) or getattr(route, "path", "")),
        )
    else:  # a mounted application without routes of its own, such as static files
        endpoint, path = getattr(route, "app", None), str(getattr(route, "path", ""))
    markers = tuple(item for item in (marker, endpoint) if item is not None)
    methods = frozenset(getattr(route, "methods", None) or ())
    return Found(markers, prefix + _plain(path) or "/", methods, mount=not hasattr(route, "endpoint"))


def _plain(path: str) -> str:
    return _CONVERTOR.sub(r"{\1}", path)


def _best(templates: list[str], path: str) -> str:
    """Of the templates that one endpoint serves, the longest that fits the path."""
    if len(templates) == 1:
        return templates[0]
    fitting = [template for template in templates if _pattern(template).search(path)]
    return max(fitting, key=len, default=templates[0])


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub(".+", re.escape(template)) + "$")
