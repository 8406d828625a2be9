"""TLS as it should be, and as it should not: nothing is said to a server that is not the right one."""

import ssl
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest

from recwatch.testing import Certificate, MailServer, SlackServer
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered, Later
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.delivering.sinks.slack import SlackSink
from recwatch_bridge.messages.notification import Entry, Notification

Kind = Literal["none", "starttls", "tls"]
USERS: Mapping[str, str] = {"me": "hunter2"}
KINDS = pytest.mark.parametrize("kind", ["starttls", "tls"])
MakeTrusted = Callable[..., Certificate]


@pytest.fixture
def message() -> Message:
    said = Notification("one", "info", (Entry("one"),))
    body, uid = said.to_json(), uuid.uuid4().hex
    return Message(1, uid, "email", "alerts", "one", body, None, "pending", 0, 0.0, 0.0, None, None, 0.0)


def sink_for(
    mail: MailServer, kind: Kind, trusted: Certificate, password: str = USERS["me"], timeout: float = 5.0
) -> EmailSink:
    context = ssl.create_default_context(cafile=trusted.file)
    server = Server(mail.host, mail.port, kind, timeout, user="me", password=password, context=context)
    return EmailSink(server, sender="alerts@example.com", to=["team@example.com"])


@KINDS
def test_email_arrives_over_tls_with_a_login(kind: Kind, message: Message, make_trusted: MakeTrusted) -> None:
    good = make_trusted()
    with MailServer(tls=kind, certificate=good, users=USERS) as mail:
        assert sink_for(mail, kind, good).send(message) == Delivered()
        assert [email["Subject"] for email in mail.messages] == ["one"]


@KINDS
@pytest.mark.parametrize("wrong", ["signed by somebody else", "of another server"])
def test_a_wrong_certificate_gets_nothing(
    kind: Kind, wrong: str, message: Message, make_trusted: MakeTrusted
) -> None:
    theirs = make_trusted() if wrong == "signed by somebody else" else make_trusted("mail.example.com")
    trusted = make_trusted() if wrong == "signed by somebody else" else theirs
    logins: list[Any] = []
    with MailServer(
        tls=kind, certificate=theirs, smtp_options={"authenticator": lambda *login: logins.append(login)}
    ) as mail:
        outcome = sink_for(mail, kind, trusted).send(message)
        assert isinstance(outcome, Later)
        assert outcome.whole_sink
        assert "certificate verify failed" in outcome.reason
        assert (mail.messages, logins) == ([], [])


@KINDS
def test_a_wrong_password_is_said_and_not_shown(
    kind: Kind, message: Message, make_trusted: MakeTrusted
) -> None:
    good = make_trusted()
    with MailServer(tls=kind, certificate=good, users=USERS) as mail:
        outcome = sink_for(mail, kind, good, "wrong-one").send(message)
    assert isinstance(outcome, Later)
    assert "535" in outcome.reason
    assert "wrong-one" not in outcome.reason


def test_a_server_without_starttls_gets_no_password(message: Message, make_trusted: MakeTrusted) -> None:
    with MailServer() as mail:
        outcome = sink_for(mail, "starttls", make_trusted()).send(message)
        told = "offers no STARTTLS: set tls: tls where it speaks TLS at once"
        assert outcome == Later(f"{mail.host}:{mail.port} {told}")
        assert mail.messages == []


def test_a_port_without_tls_is_named(message: Message, make_trusted: MakeTrusted) -> None:
    with MailServer() as mail:
        outcome = sink_for(mail, "tls", make_trusted()).send(message)
        assert outcome == Later(f"{mail.host}:{mail.port} speaks no TLS on this port: set tls: starttls")


@pytest.mark.parametrize("kind", ["none", "starttls"])
def test_a_port_that_waits_for_tls_is_named(kind: Kind, message: Message, make_trusted: MakeTrusted) -> None:
    good = make_trusted()
    with MailServer(tls="tls", certificate=good) as mail:
        outcome = sink_for(mail, kind, good, timeout=0.5).send(message)
    assert isinstance(outcome, Later)
    assert outcome.reason.startswith(f"{mail.host}:{mail.port} sends no greeting (")
    assert outcome.reason.endswith("): set tls: tls where it speaks TLS at once")


def test_a_login_that_a_server_takes_over_tls_alone_is_named(
    message: Message, make_trusted: MakeTrusted
) -> None:
    good = make_trusted()
    with MailServer(tls="starttls", certificate=good, users=USERS) as mail:
        outcome = sink_for(mail, "none", good).send(message)
    told = "takes no login without TLS: set tls: starttls"
    assert outcome == Later(f"{mail.host}:{mail.port} {told}")


def test_a_server_that_takes_no_login_is_named(message: Message, make_trusted: MakeTrusted) -> None:
    good = make_trusted()
    with MailServer(tls="tls", certificate=good) as mail:  # aiosmtpd takes none where TLS comes first
        outcome = sink_for(mail, "tls", good).send(message)
    told = "takes no login: leave out user and password_file"
    assert outcome == Later(f"{mail.host}:{mail.port} {told}")


def test_slack_takes_none_but_the_right_certificate(
    message: Message, make_trusted: MakeTrusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = make_trusted()
    with SlackServer(certificate=good) as slack:
        sink = SlackSink(f"{slack.url}services/T0/B0/secret")
        outcome = sink.send(message)
        assert isinstance(outcome, Later)
        assert "certificate verify failed" in outcome.reason
        assert "secret" not in outcome.reason
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good.file))
        assert sink.send(message) == Delivered()
