"""The shapes of ASGI and WSGI: what a server gives an application, and what it takes from it."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

__all__ = [
    "ASGIApp",
    "Environ",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "StartResponse",
    "WSGIApp",
    "is_whole",
]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
WSGIApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


def is_whole(body: object, environ: Environ) -> bool:
    """Whether a WSGI response is better left as it is: it is no stream, and a server sends it better so.

    A list or a tuple holds all there is, so a server knows the length; a file is sent by the server itself.

    Args:
        body: what the application returned.
        environ: of the request; its `wsgi.file_wrapper` may be a class, a function, or absent.
    """
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper))
