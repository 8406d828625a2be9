import gc
import smtplib
import ssl
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing import MailServer, make_certificate


def mail_of(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "alerts@example.com", "team@example.com"
    message.set_content("Ratings have drifted: ½ stars.")
    return message


def send(server: MailServer, subject: str) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=10) as client:
        client.send_message(mail_of(subject))


def test_it_keeps_what_it_is_sent() -> None:
    with MailServer() as server:
        send(server, "Drift")
        send(server, "Resolved: Drift")
        message = server.wait_for(lambda message: message["Subject"].startswith("Resolved"))
        assert message["To"] == "team@example.com"
        assert message.get_content() == "Ratings have drifted: ½ stars.\n"
        assert [message["Subject"] for message in server.messages] == ["Drift", "Resolved: Drift"]
        server.clear()
        assert server.messages == []


@pytest.mark.parametrize("code", [451, 554])
def test_it_refuses_on_request_and_then_behaves(code: int) -> None:
    with MailServer() as server:
        server.fail_next(code, times=2)
        for _ in range(2):
            with pytest.raises(smtplib.SMTPDataError) as failure:
                send(server, "Drift")
            assert failure.value.smtp_code == code
        send(server, "Drift")
        assert len(server.messages) == 1


def test_orders_can_be_forgotten() -> None:
    with MailServer() as server:
        server.fail_next(451, times=5)
        server.behave()
        send(server, "Drift")
        assert len(server.messages) == 1


def test_waiting_in_vain_says_what_did_arrive() -> None:
    with MailServer() as server:
        send(server, "Drift")
        with pytest.raises(TimeoutError, match="1 others arrived"):
            server.wait_for(lambda message: message["Subject"] == "Promoted", timeout=0.01)


def test_a_taken_port_is_an_error() -> None:
    with MailServer() as first, pytest.raises(OSError, match="in use"), MailServer(port=first.port):
        pass


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_a_client_that_hangs_on_is_cut_when_it_stops(tmp_path: Path, tls: Any) -> None:
    certificate = None if tls == "none" else make_certificate(tmp_path)
    trusted = None if certificate is None else ssl.create_default_context(cafile=certificate.file)
    with MailServer(tls=tls, certificate=certificate) as server:
        kind = partial(smtplib.SMTP_SSL, context=trusted) if tls == "tls" else smtplib.SMTP
        client = kind(server.host, server.port, timeout=10)
        if tls == "starttls":
            client.starttls(context=trusted)
    with client, pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        client.noop()
    # What was left open would say so here, and warnings are errors.
    gc.collect()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_it_speaks_tls_and_wants_a_login(tmp_path: Path, tls: Any) -> None:
    certificate = make_certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=certificate.file)
    with MailServer(tls=tls, certificate=certificate, users={"me": "hunter2"}) as server:
        kind = smtplib.SMTP if tls == "starttls" else partial(smtplib.SMTP_SSL, context=trusted)
        with kind(server.host, server.port, timeout=10) as client:
            if tls == "starttls":
                assert client.docmd("MAIL", "FROM:<a@example.com>")[0] == 530
                client.starttls(context=trusted)
            with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
                client.sendmail("a@example.com", ["b@example.com"], "Subject: no\n\n")
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("me", "wrong")
            client.login("me", "hunter2")
            client.sendmail("a@example.com", ["b@example.com"], "Subject: yes\n\n")
        assert [message["Subject"] for message in server.messages] == ["yes"]


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="tls and certificate belong together"):
        MailServer(tls="tls")
