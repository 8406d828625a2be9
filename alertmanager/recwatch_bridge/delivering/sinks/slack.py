"""Slack, by an incoming webhook."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.deadline import Deadline
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.text import one_line
from recwatch_bridge.watched_http import watched_session

_MAX_ANSWER = 200
_MAX_WAIT = 3_600.0
"""Seconds; a longer Retry-After is not believed."""
_WAITS = 3
"""In one attempt: to connect, to send, to be answered. As many timeouts may pass altogether."""
_TEMPORARY = (408, 425, 429)
_REMEDIES = {
    403: ": the webhook was removed: make a new one",
    404: ": the webhook was removed: make a new one",
    410: ": its channel is archived: make a webhook for another",
}
"""Slack's words are `no_service`, `invalid_token`, `channel_is_archived` and the like."""


class SlackSink:
    """Posts each message to the webhook's address.

    The address is a secret: no error that leaves here holds it, so the text of exceptions is left out.

    Args:
        webhook_url: the webhook's address.
        min_interval: seconds between two messages.
        timeout: seconds for the connection and for each part of the answer.
        clock: gives now.
        renderer: makes the payloads; without it, messages look as built in.
    """

    name = "slack"

    def __init__(
        self,
        webhook_url: str,
        *,
        min_interval: float = 1.0,
        timeout: float = 10.0,
        clock: Clock = wall,
        renderer: Renderer | None = None,
    ) -> None:
        self._url = webhook_url
        self._timeout = timeout
        self._clock = clock
        self._renderer = renderer or Renderer()
        self.min_interval = min_interval

    def send(self, message: Message) -> Outcome:
        """Try once; arrived means 200 with the body `ok`."""
        payload = self._renderer.slack(message)
        try:
            with Deadline(_WAITS * self._timeout) as deadline, watched_session(deadline) as session:
                return self._post(session, payload)
        except (requests.RequestException, HTTPError, OSError) as error:
            return Later(f"no answer from Slack: {_kind(error)}")

    def _post(self, session: requests.Session, payload: dict[str, Any]) -> Outcome:
        # A redirect would be followed as a GET without the message.
        with session.post(
            self._url, json=payload, timeout=self._timeout, allow_redirects=False, stream=True
        ) as answer:
            body = answer.raw.read(_MAX_ANSWER, decode_content=True).decode(errors="replace")
            return self._judge(answer, one_line(body, _MAX_ANSWER))

    def _judge(self, answer: requests.Response, body: str) -> Outcome:
        code = answer.status_code
        if code == requests.codes.ok and body == "ok":
            return Delivered()
        reason = f"Slack said {code} {body}{_REMEDIES.get(code, '')}"
        if code in _TEMPORARY:
            return Later(reason, after=retry_after(answer.headers.get("Retry-After"), self._clock()))
        if 400 <= code < 500:  # noqa: PLR2004 - the request is at fault, and stays so
            return Never(reason)
        return Later(reason, after=retry_after(answer.headers.get("Retry-After"), self._clock()))


def _kind(error: BaseException) -> str:
    """Say what went wrong by the operating system's words; those of the libraries hold the address."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    told = error.strerror if isinstance(error, OSError) and error.errno is not None else None
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


def retry_after(value: str | None, now: float) -> float | None:
    """Read a Retry-After header (seconds or a date) as seconds from now; None where it cannot be used."""
    if value is None:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        # A date without a zone is meant as UTC (RFC 5322's -0000).
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
    return min(max(seconds, 0.0), _MAX_WAIT)
