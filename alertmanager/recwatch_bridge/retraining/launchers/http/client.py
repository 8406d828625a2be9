"""Sends the requests: bounded in time and size, without redirects that nobody asked for."""

import ssl
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from recwatch_bridge.deadline import Deadline
from recwatch_bridge.retraining.launchers.http.exchange import Answer, Request
from recwatch_bridge.retraining.result import MAX_BYTES
from recwatch_bridge.watched_http import HandshakeError, watched_session

_CHUNK = 64 * 1024
_MAX_ANSWER = 8 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError, HandshakeError)


class NoAnswerError(Exception):
    """A request got no whole answer; the message says why and holds no address."""

    def __init__(self, request: Request, reason: str) -> None:
        super().__init__(reason)
        self.request = request


class NotSentError(NoAnswerError):
    """A request got no answer because it never left: there was no connection.

    Attributes:
        final: whether the next try would fare the same.
    """

    def __init__(self, request: Request, reason: str, *, final: bool = False) -> None:
        super().__init__(request, reason)
        self.final = final


class _Authorization(AuthBase):
    """Sets the header, or none; unlike a header of a request, it is not overridden by a ~/.netrc."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


class Client:
    """Sends requests and reads answers.

    Args:
        timeout: seconds for the connection and for each part of the answer.
        deadline: seconds for a whole answer, however it comes.
    """

    def __init__(self, *, timeout: float = 10.0, deadline: float = 60.0) -> None:
        self._timeout = timeout
        self._deadline = deadline

    def send(self, request: Request) -> Answer:
        """Send a request once.

        Raises:
            NotSentError: when there was no connection.
            NoAnswerError: when no whole answer came, or one that is too large.
        """
        answer = self._send(request, request.url, request.authorization)
        place = answer.headers.get("location")
        if not request.download or answer.status not in _REDIRECTS or not place:
            return answer
        allowed = {"https"} if urlsplit(request.url).scheme == "https" else {"http", "https"}
        url = urljoin(request.url, place)
        if urlsplit(url).scheme not in allowed:
            raise NoAnswerError(request, "it sends us to an address that is not https")
        return self._send(Request("GET", url, download=True), url, None)

    def _send(self, request: Request, url: str, authorization: str | None) -> Answer:
        late = f"its answer took longer than {self._deadline:g} s"
        with Deadline(self._deadline) as deadline:
            try:
                answer = self._answer(request, url, authorization, deadline)
            except requests.RequestException as error:
                # The exception's own text would repeat the address, and whatever secret it may hold.
                why = late if deadline.over else f"no answer ({type(error).__name__})"
                reason = _reason(error)
                if isinstance(reason, HandshakeError) and not deadline.over:
                    raise _no_tls(request, reason.__cause__) from None
                if isinstance(error, requests.exceptions.InvalidURL) or isinstance(reason, _NEVER_LEFT):
                    raise NotSentError(request, why) from None
                raise NoAnswerError(request, why) from None
            except (HTTPError, ValueError) as error:
                why = late if deadline.over else f"no answer that can be read ({type(error).__name__})"
                raise NoAnswerError(request, why) from None
            if deadline.over:
                raise NoAnswerError(request, late)
            return answer

    def _answer(self, request: Request, url: str, authorization: str | None, deadline: Deadline) -> Answer:
        limit = MAX_BYTES if request.download else _MAX_ANSWER
        with (
            watched_session(deadline) as session,
            session.request(
                request.method,
                url,
                params=dict(request.query),
                json=None if request.body is None else dict(request.body),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                auth=_Authorization(authorization),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            body = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                body += chunk
                if len(body) > limit:
                    raise NoAnswerError(request, f"its answer is larger than {limit} bytes")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status_code, bytes(body), headers)


def _reason(error: requests.RequestException) -> object:
    """Return what was behind an error: requests wraps urllib3's MaxRetryError, which holds the reason."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return reason.args[0] if isinstance(reason, SSLError) and reason.args else reason


def _no_tls(request: Request, error: BaseException | None) -> NotSentError:
    """Say why there is no TLS connection; one that was cut may come about the next time."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = (
            f"its certificate is not trusted ({error.verify_message}): renew it, or name the file with its "
            "authority in the environment variable REQUESTS_CA_BUNDLE"
        )
        return NotSentError(request, why, final=True)
    why = f"no TLS connection ({getattr(error, 'reason', None) or type(error).__name__})"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLSyscallError | ssl.SSLZeroReturnError):
        return NotSentError(request, why)
    return NotSentError(request, f"{why}: see whether the server speaks TLS at this address", final=True)
