"""Email, one server after the other."""

from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from prometheus_client import CollectorRegistry

from recwatch.testing import MailServer, free_port, wait_until
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.sinks.email import EmailSink, Server

Begin = Callable[..., DeliveryWorker]


def email_to(mail: MailServer, port: int | None = None, **more: Any) -> EmailSink:
    server = Server(mail.host, port or mail.port, "none", 5.0, **more)
    return EmailSink(server, sender="alerts@example.com", to=["team@example.com"])


def _refuse_login(*_: object) -> AuthResult:
    return AuthResult(success=False, handled=False)


def test_email_is_tried_again_after_4xx(box: Any, begin: Begin, mail: MailServer) -> None:
    mail.fail_next(451, times=2)
    box.put("one", "alert:a")
    begin(email_to(mail))
    assert box.settled() == [("delivered", 3, None)]
    assert [message["Subject"] for message in mail.messages] == ["one"]


def test_email_5xx_is_final(box: Any, begin: Begin, mail: MailServer, registry: CollectorRegistry) -> None:
    mail.fail_next(554)
    box.put("bad")
    box.put("good")
    begin(email_to(mail))
    assert box.settled() == [
        ("dead", 1, "the server said 554 refused on request"),
        ("delivered", 1, None),
    ]
    counted = {
        outcome: registry.get_sample_value("bridge_deliveries_total", {"sink": "email", "outcome": outcome})
        for outcome in ("delivered", "retry", "dead")
    }
    assert counted == {"delivered": 1, "retry": 0, "dead": 1}


def test_mail_server_that_is_away(box: Any, begin: Begin) -> None:
    port = free_port()
    for number in range(3):
        box.put(f"number {number}", f"alert:{number}")
    with MailServer() as other:
        begin(email_to(other, port))
        wait_until(lambda: box.states()[0][1] >= 2)
    assert {state for state, _, _ in box.states()} == {"pending"}
    assert str(box.states()[0][2]).startswith(f"no connection to 127.0.0.1:{port}: ConnectionRefusedError")
    with MailServer(port=port) as mail:
        box.settled()
        told = sorted(str(message["Subject"]) for message in mail.messages)
        assert told == ["number 0", "number 1", "number 2"]


def test_wrong_password_makes_no_dead_letters(box: Any, begin: Begin) -> None:
    with MailServer(smtp_options={"authenticator": _refuse_login, "auth_require_tls": False}) as mail:
        box.put("one")
        worker = begin(email_to(mail, user="me", password="hunter2"))
        wait_until(lambda: box.states()[0][1] >= 2)
        worker.stop()
        worker.join(10)
    state, _, error = box.states()[0]
    assert state == "pending"
    assert "535" in str(error)
    assert "hunter2" not in str(error)


def test_server_that_refuses_the_greeting_makes_no_dead_letters(
    box: Any, begin: Begin, rude_server: Any
) -> None:
    with rude_server(hello="550 go away") as mail:
        box.put("one")
        worker = begin(email_to(mail))
        wait_until(lambda: box.states()[0][1] >= 2)
        assert box.states()[0][0] == "pending"
        assert str(box.states()[0][2]).endswith("550 go away")
        mail.hello = ""
        assert box.settled()[0][0] == "delivered"
        worker.stop()
        worker.join(10)


@pytest.mark.parametrize("sender", ["530 5.7.0 Authentication required", "535 5.7.8 Wrong credentials"])
def test_server_that_wants_a_login_first_makes_no_dead_letters(
    box: Any, begin: Begin, rude_server: Any, sender: str
) -> None:
    with rude_server(sender=sender) as mail:
        box.put("one")
        worker = begin(email_to(mail))
        wait_until(lambda: box.states()[0][1] >= 2)
        assert box.states()[0][0::2] == ("pending", f"the server said {sender}")
        mail.sender = ""
        assert box.settled()[0][0] == "delivered"
        worker.stop()
        worker.join(10)


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ({"sender": "421 4.7.0 too many connections"}, 1),
        ({"recipients": {"team@example.com": ["421 4.7.0 closing"] * 20}}, 1),
        ({"sender": "451 4.3.0 out of space"}, 5),
        ({"recipients": {"team@example.com": ["450 4.2.0 greylisted"] * 20}}, 5),
    ],
)
def test_server_that_takes_nothing_for_now_is_left_alone(
    box: Any, worker_of: Callable[..., DeliveryWorker], rude_server: Any, answers: Any, tries: int
) -> None:
    """A connection for each of the messages that wait would keep it from coming back."""
    now = 1_800_000_000.0
    for number in range(20):
        box.put(f"number {number}", now=now)
    with rude_server(**answers) as mail:
        worker = worker_of(email_to(mail), clock=lambda: now)
        # It shall not wait for the rest, which does not end with this clock.
        worker.stop()
        for _ in range(30):
            worker.step()
    assert sum(attempts for _, attempts, _ in box.states()) == tries
    assert {state for state, _, _ in box.states()} == {"pending"}
