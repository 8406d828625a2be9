"""Both ends of the notifications with a page that shows what arrived: `python -m recwatch.testing.inbox`.

GET /               the page, which refreshes itself
GET /api/messages   a list of {"kind", "at", "subject", "text", "to"}, newest last
GET /-/healthy      200 once both ends listen
"""

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from recwatch import logs
from recwatch.testing.mail import MailServer
from recwatch.testing.mailbox import Mailbox
from recwatch.testing.message import Message, from_email, from_slack
from recwatch.testing.page import content_security_policy, render_cards, render_page
from recwatch.testing.slack import SlackServer

__all__ = ["Inbox", "main"]

_LOGGER = logging.getLogger("recwatch.testing.inbox")


class Inbox:
    """What arrived at both ends, as one list and one web page."""

    def __init__(self) -> None:
        self._mailbox: Mailbox[Message] = Mailbox()

    @property
    def messages(self) -> list[Message]:
        """Every message, oldest first."""
        return self._mailbox.all()

    def add_email(self, email: EmailMessage) -> None:
        """Take in a mail, as `MailServer(on_message=...)` hands it over."""
        self._add(from_email(email, datetime.now(UTC)))

    def add_slack(self, payload: dict[str, Any]) -> None:
        """Take in a Slack payload, as `SlackServer(on_message=...)` hands it over."""
        self._add(from_slack(payload, datetime.now(UTC)))

    def app(self) -> Starlette:
        """The web page and its API."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/cards", self._cards),
                Route("/api/messages", self._api),
                Route("/-/healthy", self._healthy),
            ]
        )

    def _add(self, message: Message) -> None:
        self._mailbox.add(message)
        _LOGGER.info(logs.event("Message arrived", kind=message.kind, subject=message.subject))

    async def _page(self, _request: Request) -> Response:
        headers = {"Content-Security-Policy": content_security_policy(), "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(render_page(self.messages), headers=headers)

    async def _cards(self, _request: Request) -> Response:
        return HTMLResponse(render_cards(self.messages))

    async def _api(self, _request: Request) -> Response:
        return JSONResponse([asdict(message) | {"at": message.at.isoformat()} for message in self.messages])

    async def _healthy(self, _request: Request) -> Response:
        return PlainTextResponse("ok")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both ends and the page until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m recwatch.testing.inbox", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--smtp-port", type=int, default=2525, help="default: %(default)s; 0 takes a free one"
    )
    parser.add_argument(
        "--slack-port", type=int, default=8026, help="default: %(default)s; 0 takes a free one"
    )
    parser.add_argument("--web-port", type=int, default=8025, help="default: %(default)s; 0 takes a free one")
    options = parser.parse_args(arguments)
    logs.configure()
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn takes the signal while it serves and raises it again afterwards: then this exits with 0.
        signal.signal(number, lambda *_: sys.exit(0))
    inbox = Inbox()
    with ExitStack() as stack:
        try:
            mail = stack.enter_context(
                MailServer(host=options.host, port=options.smtp_port, on_message=inbox.add_email)
            )
            slack = stack.enter_context(
                SlackServer(host=options.host, port=options.slack_port, on_message=inbox.add_slack)
            )
            listener = stack.enter_context(socket.create_server((options.host, options.web_port)))
        except OSError as error:
            _LOGGER.error(logs.event("Cannot listen", error=error, remedy="free the port or choose another"))  # noqa: TRY400
            return 1
        web = f"http://{options.host}:{listener.getsockname()[1]}/"
        _LOGGER.info(logs.event("Inbox started", web=web, smtp=f"{mail.host}:{mail.port}", slack=slack.url))
        config = uvicorn.Config(inbox.app(), lifespan="off", log_config=None, access_log=False, ws="none")
        uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
