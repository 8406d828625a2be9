"""Slack, by an incoming webhook."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import requests

from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.outbox import Message
from recwatch_bridge.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.sinks.render_slack import render_slack
from recwatch_bridge.text import one_line

_MAX_ANSWER = 200
_MAX_WAIT = 3_600.0
"""Seconds; a longer Retry-After is not believed."""
_TEMPORARY = (408, 425, 429)


class SlackSink:
    """Posts each message to the webhook's address.

    The address is a secret: no error that leaves here holds it, so the text of exceptions is left out.
    """

    name = "slack"

    def __init__(
        self, webhook_url: str, *, min_interval: float = 1.0, timeout: float = 10.0, clock: Clock = wall
    ) -> None:
        self._url = webhook_url
        self._timeout = timeout
        self._clock = clock
        self.min_interval = min_interval

    def send(self, message: Message) -> Outcome:
        """Try once; arrived means 200 with the body `ok`."""
        payload = render_slack(message.notification)
        try:
            # A redirect would be followed as a GET without the message.
            with requests.post(
                self._url, json=payload, timeout=self._timeout, allow_redirects=False, stream=True
            ) as answer:
                body = answer.raw.read(_MAX_ANSWER, decode_content=True).decode(errors="replace")
                return self._judge(answer, one_line(body, _MAX_ANSWER))
        except (requests.RequestException, OSError) as error:
            return Later(f"no answer from Slack: {type(error).__name__}")

    def _judge(self, answer: requests.Response, body: str) -> Outcome:
        code = answer.status_code
        if answer.ok and body == "ok":
            return Delivered()
        reason = f"Slack said {code} {body}"
        if code in _TEMPORARY:
            return Later(reason, after=retry_after(answer.headers.get("Retry-After"), self._clock()))
        if 400 <= code < 500:  # noqa: PLR2004 - the request is at fault, and stays so
            return Never(reason)
        return Later(reason, after=retry_after(answer.headers.get("Retry-After"), self._clock()))


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
