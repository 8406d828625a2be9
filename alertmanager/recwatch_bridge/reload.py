"""Telling a service to load the version that was promoted."""

import requests
from requests.auth import AuthBase

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
        timeout: seconds for the connection and for each part of the answer; a large model takes time to load.
    """

    def __init__(self, url: str, token: str | None, *, timeout: float = 60.0) -> None:
        self._url = url
        self._auth = None if token is None else Bearer(token)
        self._timeout = timeout

    def call(self) -> str | None:
        """Try once; returns None when the service says that it is done, otherwise why not."""
        try:
            answer = requests.post(self._url, auth=self._auth, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            # The exception's own text would repeat the address, and whatever secret it may hold.
            return f"no answer ({type(error).__name__})"
        if answer.ok and answer.status_code not in _REDIRECT:
            return None
        return f"it answered {answer.status_code}"
