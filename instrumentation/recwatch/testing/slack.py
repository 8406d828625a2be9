"""A Slack incoming webhook that keeps what it is sent, checks it as Slack does and misbehaves on request."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recwatch.testing.certificate import Certificate
from recwatch.testing.mailbox import Receiver
from recwatch.testing.web import WebThread

__all__ = ["Payload", "SlackServer", "find_fault"]

Payload = dict[str, Any]

# Slack's own limits and answers: https://api.slack.com/reference/block-kit/blocks and
# https://api.slack.com/messaging/webhooks#handling_errors
_MOST_BLOCKS = 50
_LONGEST_TEXT = {"section": 3000, "header": 150}


@dataclass(frozen=True)
class _Failure:
    code: int
    retry_after: int | None
    body: str
    content_type: str


class SlackServer(Receiver[Payload, _Failure]):
    """The receiving end of a Slack webhook, for tests and demonstrations.

        with SlackServer() as slack:
            post_to(slack.url)
            payload = slack.wait_for(lambda payload: "drift" in payload["text"])

    Args:
        host: the address to listen on.
        port: 0 takes a free one; `port` then says which.
        on_message: called with each accepted payload, in the server's thread.
        certificate: the server's; with it, the address begins with https.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_message: Callable[[Payload], None] | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(host=host, port=port, on_message=on_message)
        self._certificate = certificate
        self._web: WebThread | None = None

    @property
    def url(self) -> str:
        """The webhook's address; every path is answered alike, as Slack's hold the secret."""
        return f"{'http' if self._certificate is None else 'https'}://{self.host}:{self.port}/"

    def fail_next(
        self,
        code: int,
        times: int = 1,
        *,
        retry_after: int | None = None,
        body: str = "refused on request",
        content_type: str = "text/plain",
    ) -> None:
        """Answer the next messages, without keeping them.

        Args:
            code: HTTP's.
            times: how many messages.
            retry_after: of the header Retry-After, in seconds.
            body: of the answer; a proxy's page, say, with the code 200.
            content_type: of the body.
        """
        self._orders.add(_Failure(code, retry_after, body, content_type), times)

    def __enter__(self) -> Self:
        routes = [Route("/{path:path}", self._receive, methods=["POST"])]
        app = Starlette(routes=routes)
        self._web = WebThread(app, self._listen(), "recwatch-slack", certificate=self._certificate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._web is not None:
            self._web.stop()

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        failure = self._orders.take()
        if failure is not None:
            headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
            return Response(failure.body, failure.code, headers, failure.content_type)
        try:
            payload = json.loads(body)
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        complaint = find_fault(payload)
        if complaint is not None:
            return PlainTextResponse(complaint, 400)
        self._accept(payload)
        return PlainTextResponse("ok")


def find_fault(payload: object) -> str | None:
    """What Slack would say against a payload; None when it would take it."""
    if not isinstance(payload, dict):
        return "invalid_payload"
    if not any(payload.get(key) for key in ("text", "blocks", "attachments")):
        return "no_text"
    blocks = payload.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS:
        return "invalid_blocks"
    return None if all(_fits(block) for block in blocks) else "invalid_blocks"


def _fits(block: object) -> bool:
    if not isinstance(block, dict) or "type" not in block:
        return False
    text = block.get("text")
    length = len(text.get("text", "")) if isinstance(text, dict) else 0
    return length <= _LONGEST_TEXT.get(str(block["type"]), length)
