"""What an API of trainers is asked and what its answers come to: plain data, nothing is sent here."""

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote

from recwatch_bridge.retraining.launchers.base import Handle, LaunchError, Order
from recwatch_bridge.text import one_line

_REASON_LENGTH = 200
_MINUTE = 60.0
_TIMEOUT = 408
_TOO_MANY = 429
_LONGEST_ADDRESS = 2_000

Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """A request to an API.

    Attributes:
        method: of HTTP.
        url: whole, without a query.
        query: parameters.
        body: sent as JSON, where there is one.
        authorization: the header's value.
        starts: whether it starts the trainer; such a one is sent once at most.
        download: whether the answer may be large and come from another address, which is shown no token.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    authorization: str | None = field(default=None, repr=False)
    starts: bool = False
    download: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back; nothing in it is trusted. Names of headers are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004

    def mapping(self) -> dict[str, Any]:
        """Return the JSON object that the body holds.

        Raises:
            UnusableError: when it holds anything else.
        """
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UnusableError(f"it answered {self.status} with something else than a JSON object")
        return found

    @property
    def why(self) -> str:
        """Say the status and, where there is one, the API's own word on it, for people."""
        try:
            told = self.mapping()
        except UnusableError:
            told = {}
        words = next((told[key] for key in ("message", "detail", "title", "error") if told.get(key)), "")
        said = one_line(words, _REASON_LENGTH) if isinstance(words, str) else ""
        return f"it answered {self.status}{f': {said}' if said else ''}"


Steps = Generator[Request, Answer, Result]
"""A conversation: yields requests, is sent the answers, returns what they come to."""


class UnusableError(Exception):
    """An answer says nothing about the run: an outage, a limit, a token that ran out; ask again later.

    Args:
        reason: for people.
        retry_after: seconds to wait at least.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class UnclearError(Exception):
    """A request to start was answered so that nobody knows whether the trainer started."""


@dataclass(frozen=True)
class Found:
    """A run as its API tells of it.

    Attributes:
        state: where it is.
        handle: what to remember it by.
        told: the API's own word for its state, for the log.
        error: why it failed, or why one that succeeded has no result.
        result: the text of the result file, of a run that succeeded.
    """

    state: Literal["at work", "succeeded", "failed"]
    handle: Handle
    told: str
    error: str | None = None
    result: bytes | None = None


class Api(Protocol):
    """One kind of API. Each method is a conversation; see `Steps`.

    Attributes:
        secrets: that no text may repeat.
        lost: what to say of a run that was started, perhaps, and that the API does not know.
    """

    secrets: tuple[str, ...]
    lost: str

    def start(self, order: Order) -> Steps[Handle]:
        """Start a trainer.

        Raises:
            LaunchError: when it certainly did not start.
            UnclearError: when nobody knows.
        """

    def look(self, order: Order, handle: Handle) -> Steps[Found | None]:
        """See how a run fares; None where the API knows of none.

        Raises:
            UnusableError: when that cannot be told now.
        """

    def stop(self, order: Order, handle: Handle) -> Steps[str | None]:
        """Tell a run to end; returns why that cannot be done, or None.

        Raises:
            UnusableError: when that cannot be done now.
        """


def usable(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        UnusableError: when the answer is another one.
    """
    if not answer.ok:
        raise UnusableError(answer.why, retry_after(answer.headers))
    return answer.mapping()


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer asks to wait; 0 where it does not. Dates count as a minute."""
    asked = headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,9}", asked):
        return float(asked)
    return _MINUTE if asked else 0.0


def refusal(told: str, answer: Answer) -> LaunchError:
    """Say that an API did not start a run.

    Asked to wait (a limit), it is worth another try; anything else a person has to mend.
    """
    wait = retry_after(answer.headers)
    if answer.status == _TOO_MANY and not wait:
        wait = _MINUTE
    return LaunchError(f"{told}: {answer.why}", retry_after=wait or None)


def is_unclear(answer: Answer) -> bool:
    """Tell whether an answer to a request to start leaves open what came of it."""
    return answer.status >= 500 or answer.status == _TIMEOUT  # noqa: PLR2004 - the servers' own errors


def segment(text: str) -> str:
    """Quote a text as one segment of a path."""
    return quote(text, safe="")


def web_address(value: object) -> str | None:
    """Return an address that a page may link to; None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS or not value.isprintable():
        return None
    return value if re.fullmatch(r"https?://[^\s/@\\<>\"'`]+(/[^\s\\<>\"'`]*)?", value) else None
