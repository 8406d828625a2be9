"""Who is asking, and whether they may: a bearer token, or on the page the cookie of a login."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from recwatch_bridge.secret import Doorkeeper, Token
from recwatch_bridge.storage.store import Store
from recwatch_bridge.text import one_line
from recwatch_bridge.web import sessions
from recwatch_bridge.web.limits import Throttle, client_of
from recwatch_bridge.web.refusals import Refused
from recwatch_bridge.web.sessions import Session, Sessions

FAILURES_A_MINUTE = 10
"""Wrong tokens of one client; further ones are told to wait. A right one always passes."""
CHANGES_A_MINUTE = 60
"""Requests of one token that change something."""
CSRF_HEADER = "x-csrf-token"
_SHOWN = 200
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who is asking: a token, and the session where a person logged in with it."""

    token: Token
    session: Session | None = None

    @property
    def name(self) -> str:
        """For the record of who did something."""
        return self.token.name

    @property
    def manages(self) -> bool:
        """Whether they may change something."""
        return "manage" in self.token.scopes


class Gate:
    """Lets requests in or refuses them.

    Args:
        doorkeeper: knows the tokens.
        store: knows who logged out.
        logins: reads cookies.
        external_url: where people reach the page, if that is known.
        failures: throttles wrong tokens by client.
        changes: throttles changes by token.
    """

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        store: Store,
        logins: Sessions,
        *,
        external_url: str | None,
        failures: Throttle | None = None,
        changes: Throttle | None = None,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._store = store
        self.logins = logins
        self._external = urlsplit(external_url or "")
        self._failures = failures or Throttle(FAILURES_A_MINUTE)
        self._changes = changes or Throttle(CHANGES_A_MINUTE)
        self.secure = self._external.scheme == "https"
        """Whether the cookie travels by https alone."""
        # The prefix makes a browser refuse the cookie from anything but this very host, by https.
        self.cookie = "__Host-recwatch-bridge" if self.secure else "recwatch-bridge"

    def webhook(self, request: Request) -> None:
        """Let Alertmanager in.

        Raises:
            Refused: 401 or 403; never 429, which Alertmanager would take as final as well.
        """
        token = self._doorkeeper.holder(request.headers.get("authorization"))
        if token is None:
            self.failure(request, "")
            raise Refused(401, "a valid bearer token is needed")
        _check_scope(token, {"alerts"})

    def needs(self, *scopes: str) -> Callable[[Request], Awaitable[Caller]]:
        """Make a dependency that lets in who has one of the scopes, by token or by login."""

        async def enter(request: Request) -> Caller:
            return await self.enter(request, *scopes)

        return enter

    async def enter(self, request: Request, *scopes: str) -> Caller:
        """Let somebody in who has one of the scopes.

        Raises:
            Refused: 401, 403 or 429.
        """
        caller = await self.caller(request)
        if caller is None:
            raise Refused(401, "a valid bearer token is needed")
        _check_scope(caller.token, set(scopes))
        if request.method not in _SAFE:
            if caller.session is not None:
                self.check_form(request, caller.session, request.headers.get(CSRF_HEADER))
            self.check_pace(caller)
        return caller

    async def caller(self, request: Request) -> Caller | None:
        """Return who is asking; None for nobody known who presents no token.

        Raises:
            Refused: 401 or 429 for a wrong token.
        """
        authorization = request.headers.get("authorization")
        if authorization is not None:
            token = self._doorkeeper.holder(authorization)
            if token is None:
                raise self.failure(request, "a valid bearer token is needed")
            return Caller(token)
        session = self.logins.read(request.cookies.get(self.cookie))
        if session is None or await run_in_threadpool(self._has_left, session):
            return None
        return Caller(session.token, session)

    def login(self, request: Request, secret: str) -> Token:
        """Return the token that somebody logs in with.

        Raises:
            Refused: 401, 403 or 429.
        """
        token = self._doorkeeper.holder_of(secret)
        if token is None:
            raise self.failure(request, "no such token")
        _check_scope(token, {"read", "manage"})
        return token

    def failure(self, request: Request, text: str) -> Refused:
        """Count a wrong token, and return the answer: 401, or 429 when there were too many."""
        client = client_of(request)
        wait = self._failures.hit(client)
        if wait:
            return Refused(429, f"too many wrong tokens: wait {wait} s", retry_after=wait)
        sent = "a wrong token" if _sent_any(request) else "no token"
        log.warning("%s %s: %s, from %s", request.method, one_line(request.url.path, _SHOWN), sent, client)
        return Refused(401, text)

    def check_form(self, request: Request, session: Session, csrf: str | None) -> None:
        """Refuse what another site sent in somebody's name.

        Raises:
            Refused: 403.
        """
        self.check_origin(request)
        if not session.allows(csrf):
            raise Refused(403, "this form is of an earlier login: load the page again, and try again")

    def check_origin(self, request: Request, *, login: bool = False) -> None:
        """Refuse a form that was not sent from the bridge's own page.

        Args:
            request: the form.
            login: whether the answer sets the cookie, which may be taken by https alone.

        Raises:
            Refused: 403.
        """
        origin = _split(request.headers.get("origin", ""))
        own = {request.headers.get("host", ""), self._external.netloc} - {""}
        if origin.scheme not in ("http", "https") or origin.netloc not in own:
            raise Refused(403, "this was not sent from the bridge's own page: open that, and try there")
        if login and self.secure and origin.scheme != "https":
            raise Refused(403, f"logins go by https alone: open {self._external.geturl()}")

    def check_pace(self, caller: Caller) -> None:
        """Refuse more changes than a person or a reasonable program makes.

        Raises:
            Refused: 429.
        """
        wait = self._changes.hit(caller.token.key_id)
        if wait:
            raise Refused(429, f"too many changes: wait {wait} s", retry_after=wait)

    def _has_left(self, session: Session) -> bool:
        with self._store.read() as connection:
            return sessions.is_over(connection, session)


def _sent_any(request: Request) -> bool:
    """Whether there was something to be wrong: what is posted to the login's form always is."""
    return "authorization" in request.headers or request.url.path.endswith("/login")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _check_scope(token: Token, scopes: set[str]) -> None:
    if not token.scopes & scopes:
        raise Refused(403, f"this token lacks the scope {' or '.join(sorted(scopes))}")
