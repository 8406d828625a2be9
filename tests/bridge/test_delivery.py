"""Workers against ends that misbehave; time is the real one, waits are short."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from prometheus_client import CollectorRegistry

from recwatch.errors import ConfigError
from recwatch.testing import MailServer, SlackServer, free_port, wait_until
from recwatch_bridge import outbox
from recwatch_bridge.clock import wall
from recwatch_bridge.delivery import Backoff, DeliveryWorker
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.notification import Entry, Notification
from recwatch_bridge.outbox import Message
from recwatch_bridge.secret import read_webhook_url
from recwatch_bridge.sinks.base import Delivered, Later, Outcome, Sink
from recwatch_bridge.sinks.email import EmailSink, Server
from recwatch_bridge.sinks.slack import SlackSink, retry_after
from recwatch_bridge.store import Store

QUICK = Backoff(initial=0.01, maximum=0.05, give_up_after=60.0)
Begin = Callable[..., DeliveryWorker]


@pytest.fixture
def begin(store: Store, metrics: BridgeMetrics, mail: MailServer, slack: SlackServer) -> Iterator[Begin]:
    """Starts a worker for a sink; workers end before the servers do."""
    del mail, slack
    workers: list[DeliveryWorker] = []

    def start(sink: Sink, backoff: Backoff = QUICK) -> DeliveryWorker:
        worker = DeliveryWorker(
            sink,
            store,
            backoff=backoff,
            metrics=metrics,
            clock=wall,
            chance=random.Random(0),  # noqa: S311 - spreads retries
        )
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()
        worker.join(10)
        assert not worker.is_alive()


def put(store: Store, subject: str, *about: str, sink: str = "email", now: float | None = None) -> None:
    with store.write() as connection:
        said = Notification(subject, "info", (Entry(subject),))
        outbox.enqueue(connection, said, sink=sink, kind="alerts", about=about, now=now or wall())


def states(store: Store) -> list[tuple[str, int, str | None]]:
    with store.read() as connection:
        return [(row.state, row.attempts, row.error) for row in outbox.newest(connection, 50)]


def settled(store: Store) -> list[tuple[str, int, str | None]]:
    wait_until(lambda: all(state != "pending" for state, _, _ in states(store)), timeout=20)
    return states(store)


def email_to(mail: MailServer, port: int | None = None, **more: Any) -> EmailSink:
    server = Server(mail.host, port or mail.port, "none", 5.0, **more)
    return EmailSink(server, sender="alerts@example.com", to=["team@example.com"])


def _refuse_login(*_: object) -> AuthResult:
    return AuthResult(success=False, handled=False)


def test_email_is_tried_again_after_4xx(store: Store, begin: Begin, mail: MailServer) -> None:
    mail.fail_next(451, times=2)
    put(store, "one", "alert:a")
    begin(email_to(mail))
    assert settled(store) == [("delivered", 3, None)]
    assert [message["Subject"] for message in mail.messages] == ["one"]


def test_email_5xx_is_final(
    store: Store, begin: Begin, mail: MailServer, registry: CollectorRegistry
) -> None:
    mail.fail_next(554)
    put(store, "bad")
    put(store, "good")
    begin(email_to(mail))
    assert settled(store) == [
        ("dead", 1, "the server said 554 refused on request"),
        ("delivered", 1, None),
    ]
    counted = {
        outcome: registry.get_sample_value("bridge_deliveries_total", {"sink": "email", "outcome": outcome})
        for outcome in ("delivered", "retry", "dead")
    }
    assert counted == {"delivered": 1, "retry": 0, "dead": 1}


def test_mail_server_that_is_away(store: Store, begin: Begin) -> None:
    port = free_port()
    for number in range(3):
        put(store, f"number {number}", f"alert:{number}")
    with MailServer() as other:
        begin(email_to(other, port))
        wait_until(lambda: states(store)[0][1] >= 2)
    assert {state for state, _, _ in states(store)} == {"pending"}
    assert str(states(store)[0][2]).startswith(f"no connection to 127.0.0.1:{port}: ConnectionRefusedError")
    with MailServer(port=port) as mail:
        settled(store)
        told = sorted(str(message["Subject"]) for message in mail.messages)
        assert told == ["number 0", "number 1", "number 2"]


class PickySink:
    """Behaves like a sink that is away, but for some messages only."""

    name = "email"
    min_interval = 0.0

    def __init__(self, *refuses: str) -> None:
        self._refuses = refuses

    def send(self, message: Message) -> Outcome:
        if message.subject in self._refuses:
            return Later("Slack said 500 for this one")
        return Delivered()


def test_message_that_always_fails_lets_the_others_pass(store: Store, begin: Begin) -> None:
    put(store, "bad", "alert:a")
    put(store, "about the same", "alert:a")
    put(store, "good", "alert:b")
    put(store, "better", "alert:c")
    begin(PickySink("bad"))
    wait_until(lambda: [state for state, _, _ in states(store)][2:] == ["delivered", "delivered"])
    wait_until(lambda: states(store)[0][1] >= 3)
    assert [state for state, _, _ in states(store)] == ["pending", "pending", "delivered", "delivered"]
    put(store, "newer", "alert:d")
    wait_until(lambda: states(store)[-1][0] == "delivered")


def test_sink_that_stays_away_is_asked_less_often_whatever_the_message(
    store: Store, metrics: BridgeMetrics, clock: Any
) -> None:
    for number in range(4):
        put(store, str(number), now=clock.now)
    worker = DeliveryWorker(
        PickySink(*"0123"),
        store,
        backoff=Backoff(initial=0.01, maximum=0.04, give_up_after=60.0),
        metrics=metrics,
        clock=clock,
        chance=Longest(),
    )
    for _ in range(4):
        worker.step()
    with store.read() as connection:
        waits = [message.next_attempt - clock.now for message in outbox.newest(connection, 4)]
    assert waits == pytest.approx([0.01, 0.02, 0.04, 0.04], abs=1e-6)


class Longest(random.Random):
    """Chance that always spreads a wait to its full length."""

    def random(self) -> float:
        return 1.0


def test_wrong_password_makes_no_dead_letters(store: Store, begin: Begin) -> None:
    with MailServer(smtp_options={"authenticator": _refuse_login, "auth_require_tls": False}) as mail:
        put(store, "one")
        worker = begin(email_to(mail, user="me", password="hunter2"))
        wait_until(lambda: states(store)[0][1] >= 2)
        worker.stop()
        worker.join(10)
    state, _, error = states(store)[0]
    assert state == "pending"
    assert "535" in str(error)
    assert "hunter2" not in str(error)


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


def test_server_that_refuses_the_greeting_makes_no_dead_letters(store: Store, begin: Begin) -> None:
    with RudeServer(hello="550 go away") as mail:
        put(store, "one")
        worker = begin(email_to(mail))
        wait_until(lambda: states(store)[0][1] >= 2)
        assert states(store)[0][0] == "pending"
        assert str(states(store)[0][2]).endswith("550 go away")
        mail.hello = ""
        assert settled(store)[0][0] == "delivered"
        worker.stop()
        worker.join(10)


@pytest.mark.parametrize("sender", ["530 5.7.0 Authentication required", "535 5.7.8 Wrong credentials"])
def test_server_that_wants_a_login_first_makes_no_dead_letters(
    store: Store, begin: Begin, sender: str
) -> None:
    with RudeServer(sender=sender) as mail:
        put(store, "one")
        worker = begin(email_to(mail))
        wait_until(lambda: states(store)[0][1] >= 2)
        assert states(store)[0][0::2] == ("pending", f"the server said {sender}")
        mail.sender = ""
        assert settled(store)[0][0] == "delivered"
        worker.stop()
        worker.join(10)


def team(mail: MailServer) -> EmailSink:
    people = [f"{name}@example.com" for name in ("ann", "bob", "cleo")]
    return EmailSink(Server(mail.host, mail.port, "none", 5.0), sender="alerts@example.com", to=people)


def test_deferred_recipient_gets_it_later_and_the_others_once(
    store: Store, begin: Begin, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    deferred = {"bob@example.com": ["451 greylisted"] * 2, "cleo@example.com": ["550 unknown"]}
    with RudeServer(recipients=deferred) as mail:
        put(store, "one")
        worker = begin(team(mail))
        assert settled(store) == [("delivered", 3, None)]
        worker.stop()
        worker.join(10)
        assert mail.envelopes == [["ann@example.com"], ["bob@example.com"]]
        first, second = mail.messages
        assert first["Message-ID"] == second["Message-ID"]
        assert first["To"] == second["To"] == "ann@example.com, bob@example.com, cleo@example.com"
    refused = [record for record in caplog.records if "cleo@example.com: 550 unknown" in record.getMessage()]
    assert [record.levelname for record in refused] == ["WARNING"]
    assert registry.get_sample_value("bridge_recipients_refused_total", {"sink": "email"}) == 1


def test_recipient_refused_after_being_deferred_makes_no_dead_letter(
    store: Store, begin: Begin, registry: CollectorRegistry
) -> None:
    answers = {"bob@example.com": ["451 greylisted", "550 unknown"]}
    with RudeServer(recipients=answers) as mail:
        put(store, "one")
        worker = begin(team(mail))
        assert settled(store) == [("delivered", 2, None)]
        worker.stop()
        worker.join(10)
        assert mail.envelopes == [["ann@example.com", "cleo@example.com"]]
    assert registry.get_sample_value("bridge_recipients_refused_total", {"sink": "email"}) == 1


def test_nobody_accepted_for_now_is_tried_again_for_all(store: Store, begin: Begin) -> None:
    answers = {
        "ann@example.com": ["450 later"],
        "bob@example.com": ["450 later"],
        "cleo@example.com": ["550 unknown"] * 9,
    }
    with RudeServer(recipients=answers) as mail:
        put(store, "one")
        worker = begin(team(mail))
        assert settled(store) == [("delivered", 2, None)]
        worker.stop()
        worker.join(10)
        assert mail.envelopes == [["ann@example.com", "bob@example.com"]]


def test_everybody_refused_is_final(store: Store, begin: Begin) -> None:
    with RudeServer(recipients={"team@example.com": ["550 unknown"]}) as mail:
        put(store, "one")
        worker = begin(email_to(mail))
        reason = "every recipient is refused: team@example.com: 550 unknown"
        assert settled(store) == [("dead", 1, reason)]
        worker.stop()
        worker.join(10)


def test_slack_keeps_order_and_honours_retry_after(store: Store, begin: Begin, slack: SlackServer) -> None:
    slack.fail_next(429, retry_after=1)
    put(store, "firing", "alert:a", sink="slack")
    put(store, "resolved", "alert:a", sink="slack")
    asked = wall()
    begin(SlackSink(slack.url, min_interval=0.0))
    wait_until(lambda: states(store)[0][1] == 1)
    with store.read() as connection:
        first = outbox.newest(connection, 2)[0]
    assert first.next_attempt >= asked + 1
    assert [state for state, _, _ in settled(store)] == ["delivered", "delivered"]
    assert [payload["text"].splitlines()[0] for payload in slack.messages] == ["*firing*", "*resolved*"]


@pytest.mark.parametrize("code", [400, 403, 404, 410])
def test_slack_4xx_is_final(store: Store, begin: Begin, slack: SlackServer, code: int) -> None:
    slack.fail_next(code)
    put(store, "one", sink="slack")
    begin(SlackSink(slack.url, min_interval=0.0))
    assert settled(store) == [("dead", 1, f"Slack said {code} refused on request")]


@pytest.mark.parametrize("code", [302, 500, 503])
def test_slack_that_is_ill_is_tried_again(store: Store, begin: Begin, slack: SlackServer, code: int) -> None:
    slack.fail_next(code)
    put(store, "one", sink="slack")
    begin(SlackSink(slack.url, min_interval=0.0))
    assert settled(store) == [("delivered", 2, None)]


def test_slack_address_appears_nowhere(store: Store, begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    put(store, "one", sink="slack")
    begin(SlackSink(f"http://127.0.0.1:{free_port()}/services/T0/B0/secret", min_interval=0.0))
    wait_until(lambda: states(store)[0][1] >= 1)
    assert states(store)[0][2] == "no answer from Slack: ConnectionError"
    assert "secret" not in caplog.text


def test_sick_sink_does_not_delay_another(
    store: Store, begin: Begin, mail: MailServer, slack: SlackServer
) -> None:
    slack.fail_next(503, times=10_000)
    for number in range(3):
        put(store, f"number {number}", sink="slack")
        put(store, f"number {number}", sink="email")
    begin(SlackSink(slack.url, min_interval=0.0))
    begin(email_to(mail))
    wait_until(lambda: len(mail.messages) == 3)
    assert slack.messages == []


def test_given_up_after_a_while(store: Store, metrics: BridgeMetrics, mail: MailServer, clock: Any) -> None:
    mail.fail_next(451, times=10)
    put(store, "one", now=clock.now)
    worker = DeliveryWorker(
        email_to(mail),
        store,
        backoff=Backoff(initial=40.0, maximum=40.0, give_up_after=100.0),
        metrics=metrics,
        clock=clock,
        chance=random.Random(0),  # noqa: S311 - spreads retries
    )
    for _ in range(2):
        worker.step()
        assert states(store)[0][0] == "pending"
        clock.now += 40
    worker.step()
    assert states(store) == [("dead", 3, "given up: the server said 451 refused on request")]


def test_fault_of_ours_stops_no_other_message(
    store: Store, begin: Begin, mail: MailServer, registry: CollectorRegistry
) -> None:
    put(store, "broken\nheader")
    put(store, "good")
    begin(email_to(mail), Backoff(initial=60.0, maximum=60.0, give_up_after=3600.0))
    wait_until(lambda: states(store)[1][0] == "delivered")
    assert states(store)[0] == ("pending", 1, "fault in the bridge: ValueError")
    assert registry.get_sample_value("bridge_worker_errors_total", {"worker": "deliver-email"}) == 1


def test_waits_grow_and_are_spread() -> None:
    backoff = Backoff(initial=1.0, maximum=60.0, give_up_after=0.0)
    assert [backoff.wait(failures, 1.0) for failures in (1, 2, 3, 7, 5000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    assert backoff.wait(3, 0.0) == 2.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        ("999999", 3600.0),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:00:20 GMT", 20.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, 1_800_000_000.0) == seconds


def test_secret_file_of_the_address(tmp_path: Path) -> None:
    path = tmp_path / "slack_url"
    path.write_text("hooks.slack.example/T0/secret\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_webhook_url(path, "sinks.slack.webhook_url_file")
    assert "secret\n" not in str(caught.value)
    assert "must hold an address that begins with https://" in str(caught.value)
