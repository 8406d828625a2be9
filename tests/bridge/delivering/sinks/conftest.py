"""A mail server with answers of one's own."""

from typing import Any

import pytest

from recwatch.testing import MailServer


class RudeServer(MailServer):
    """Answers each command as it is told to; what is not named is accepted.

    Args:
        hello: the answer to EHLO and HELO.
        sender: the answer to MAIL.
        recipients: by address, the answers to RCPT, one after the other; then 250.
    """

    def __init__(
        self, *, hello: str = "", sender: str = "", recipients: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__()
        self.hello = hello
        self.sender = sender
        self.recipients = recipients or {}
        self.envelopes: list[list[str]] = []

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        del server
        session.host_name = hostname
        return [self.hello] if self.hello else responses

    async def handle_HELO(  # noqa: N802
        self, server: Any, session: Any, _envelope: Any, hostname: str
    ) -> str:
        session.host_name = hostname
        return self.hello or f"250 {server.hostname}"

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if not self.sender:
            envelope.mail_from = address
        return self.sender or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        answers = self.recipients.get(address, [])
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if answer.startswith("250"):
            self.envelopes.append(list(envelope.rcpt_tos))
        return answer


@pytest.fixture
def rude_server() -> type[RudeServer]:
    return RudeServer
