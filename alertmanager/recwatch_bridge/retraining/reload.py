"""Telling a service to load the version that is in service by the registry."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import requests
from requests.auth import AuthBase

from recwatch_bridge.deadline import Deadline
from recwatch_bridge.watched_http import watched_session

ATTEMPTS = 5
_REDIRECT = range(300, 400)


class Bearer(AuthBase):
    """A bearer token; unlike a header, it is not overridden by a ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Reloader:
    """POSTs to a fixed address.

    Args:
        url: the service's reload address, from the configuration.
        token: the service's admin token, or None.
        timeout: seconds until the answer, however it comes; a large model takes time to load.
    """

    def __init__(self, url: str, token: str | None, *, timeout: float = 60.0) -> None:
        self._url = url
        self._auth = None if token is None else Bearer(token)
        self._timeout = timeout

    def call(self) -> str | None:
        """Try once; returns None when the service says that it is done, otherwise why not."""
        too_late = f"no answer within {self._timeout:g} s"
        with Deadline(self._timeout) as deadline:
            try:
                # The status says it all: the body, however long it is, stays unread.
                with (
                    watched_session(deadline) as session,
                    session.post(
                        self._url, auth=self._auth, timeout=self._timeout, allow_redirects=False, stream=True
                    ) as answer,
                ):
                    # A connection that is cut amid the headers looks like the end of them.
                    if deadline.over:
                        return too_late
                    if answer.ok and answer.status_code not in _REDIRECT:
                        return None
                    return f"it answered {answer.status_code}"
            except requests.RequestException as error:
                if deadline.over:
                    return too_late
                # The exception's own text would repeat the address, and whatever secret it may hold.
                return f"no answer ({type(error).__name__})"


@dataclass(frozen=True)
class Told:
    """How telling the service ended; `error` is the last one where every attempt failed."""

    error: str | None = None


class Reloading:
    """Calls a service until it works or the attempts are used up, one call a step.

    Nothing waits in here, so that whoever drives it can be stopped between two attempts.

    Args:
        reloader: the service, or None where there is none to be told.
        backoff: seconds before the second attempt; doubled each time.
        attempts: how many.
        monotonic: a clock that is never set.
    """

    def __init__(
        self,
        reloader: Reloader | None,
        *,
        backoff: float = 1.0,
        attempts: int = ATTEMPTS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reloader = reloader
        self._backoff = backoff
        self._attempts = attempts
        self._monotonic = monotonic
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def step(self, about: str) -> Told | float:
        """Call if it is time.

        Args:
            about: what the service is told about; each has its own attempts.

        Returns:
            How it ended, or seconds to wait before the next step.
        """
        wait = self._due.get(about, 0.0) - self._monotonic()
        if about in self._due and wait > 0:
            return wait
        error = None if self._reloader is None else self._reloader.call()
        failures = self._failures.get(about, 0) + 1
        if error is not None and failures < self._attempts:
            pause = self._backoff * 2.0 ** (failures - 1)
            self._failures[about], self._due[about] = failures, self._monotonic() + pause
            return pause
        self._failures.pop(about, None)
        self._due.pop(about, None)
        return Told(error)
