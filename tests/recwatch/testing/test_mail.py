import smtplib
from email.message import EmailMessage

import pytest

from recwatch.testing import MailServer


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


def test_waiting_in_vain_says_what_did_arrive() -> None:
    with MailServer() as server:
        send(server, "Drift")
        with pytest.raises(TimeoutError, match="1 others arrived"):
            server.wait_for(lambda message: message["Subject"] == "Promoted", timeout=0.01)


def test_a_taken_port_is_an_error() -> None:
    with MailServer() as first, pytest.raises(OSError, match="in use"), MailServer(port=first.port):
        pass


def test_a_client_that_hangs_on_does_not_stop_it_from_stopping() -> None:
    with MailServer() as server:
        client = smtplib.SMTP(server.host, server.port, timeout=10)
    client.close()
