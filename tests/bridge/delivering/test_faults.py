"""Every fault on every sink, with real sockets: all arrives once it is over, in order; no other is hurt."""

import gc
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from recwatch.testing import Certificate, MailServer, SlackServer, Wire, wait_until
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering import dead_letters
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.delivering.sinks.slack import SlackSink

pytestmark = [
    pytest.mark.all,
    # Python forgets to close a socket whose other end went away before the TLS handshake.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

TIMEOUT = 0.4
ALERTS = 3
EMAILS = ["email without TLS", "email over STARTTLS", "email over TLS"]
SLACKS = ["Slack over HTTP", "Slack over HTTPS"]
ENDS = [*EMAILS, *SLACKS]
Begin = Callable[..., DeliveryWorker]


@dataclass
class End:
    """A sink, the server that it sends to, and the network between them."""

    kind: str
    sink: EmailSink | SlackSink
    server: MailServer | SlackServer
    wire: Wire
    certificate: Certificate | None
    stack: ExitStack
    servers: list[MailServer | SlackServer] = field(default_factory=list)

    @property
    def is_secret(self) -> bool:
        """Whether TLS is spoken."""
        return self.kind.endswith(("over TLS", "STARTTLS", "HTTPS"))

    def subjects(self) -> list[str]:
        """Of what arrived, in order."""
        return [_subject(message) for server in self.servers for message in server.messages]

    def impostor(self, certificate: Certificate) -> None:
        """Another server is at the address from now on."""
        other = _begin(self.stack, self.kind, certificate)
        self.servers.append(other)
        self.wire.lead_to(other.host, other.port)


def _subject(message: Any) -> str:
    if isinstance(message, dict):
        return str(message["text"]).splitlines()[0].strip("*")
    return str(message["Subject"])


def _tls(kind: str) -> Literal["none", "starttls", "tls"]:
    return "starttls" if "STARTTLS" in kind else "tls" if "over TLS" in kind else "none"


def _begin(stack: ExitStack, kind: str, certificate: Certificate) -> MailServer | SlackServer:
    if kind in SLACKS:
        return stack.enter_context(SlackServer(certificate=certificate if "HTTPS" in kind else None))
    tls = _tls(kind)
    return stack.enter_context(MailServer(tls=tls, certificate=None if tls == "none" else certificate))


@pytest.fixture
def end_of(
    make_trusted: Callable[..., Certificate], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], End]]:
    """Sets up a sink with its server, and a wire between them."""
    with ExitStack() as stack:

        def make(kind: str) -> End:
            trusted = make_trusted()
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted.file))
            server = _begin(stack, kind, trusted)
            wire = stack.enter_context(Wire(server.host, server.port))
            sink: EmailSink | SlackSink
            if kind in SLACKS:
                scheme = "https" if "HTTPS" in kind else "http"
                sink = SlackSink(f"{scheme}://{wire.host}:{wire.port}/", min_interval=0.0, timeout=TIMEOUT)
            else:
                context = ssl.create_default_context(cafile=trusted.file)
                address = Server(wire.host, wire.port, _tls(kind), TIMEOUT, context=context)
                sink = EmailSink(address, sender="alerts@example.com", to=["team@example.com"])
            return End(kind, sink, server, wire, trusted, stack, [server])

        yield make


@pytest.fixture(autouse=True)
def _forget_sockets() -> Iterator[None]:
    """Collects what would otherwise be found in another test, where it is an error."""
    yield
    gc.collect()


@pytest.fixture
def other_of(mail: MailServer, slack: SlackServer) -> Callable[[End], Any]:
    """Gives the sink that is well, and its server."""

    def other(sick: End) -> Any:
        if sick.kind in SLACKS:
            server = Server(mail.host, mail.port, "none", 5.0)
            return EmailSink(server, sender="alerts@example.com", to=["team@example.com"]), mail
        return SlackSink(slack.url, min_interval=0.0), slack

    return other


@pytest.fixture
def suffer(box: Any, begin: Begin, other_of: Any) -> Callable[..., None]:
    """Puts alerts into both outboxes; one sink has a fault until the other has everything."""

    def run(end: End, *, attempts: int = 2, over: Callable[[], None] | None = None) -> None:
        well, server = other_of(end)
        for status in ("firing", "resolved"):
            for number in range(ALERTS):
                for sink in (end.sink.name, well.name):
                    box.put(f"{status} {number}", f"alert:{number}", sink=sink)
        worker, _ = begin(end.sink), begin(well)
        wait_until(lambda: len(server.messages) == 2 * ALERTS, timeout=20)
        wait_until(lambda: sum(row.attempts for row in box.rows(end.sink.name)) >= attempts, timeout=20)
        assert not attempts or "pending" in {row.state for row in box.rows(end.sink.name)}
        (over or end.wire.behave)()
        assert {state for state, _, _ in box.settled(end.sink.name)} == {"delivered"}
        subjects = end.subjects()
        wanted = {f"{status} {number}" for status in ("firing", "resolved") for number in range(ALERTS)}
        assert set(subjects) == wanted
        for number in range(ALERTS):
            last_firing = max(i for i, text in enumerate(subjects) if text == f"firing {number}")
            assert last_firing < subjects.index(f"resolved {number}")
        worker.stop()
        worker.join(10)

    return run


FAULTS: dict[str, Callable[[End], None]] = {
    "refused": lambda end: end.wire.refuse(),
    "hanging": lambda end: end.wire.hang(),
    "dropped at once": lambda end: end.wire.drop(),
    "dropped after a few bytes": lambda end: end.wire.drop(after=30),
    # A TLS client has said some 600 bytes before the first of the message.
    "dropped while the message is sent": lambda end: end.wire.drop(after=900 if end.is_secret else 400),
    "dropped while the server answers": lambda end: end.wire.drop(after=40, side="server"),
    "nonsense": lambda end: end.wire.answer(b"\x15\x03\x01\x00\x02\x02\x28" * 40 + b"\r\n"),
    "a line without an end": lambda end: end.wire.answer(b"2" * 100_000),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ENDS)
def test_network(kind: str, fault: str, end_of: Any, suffer: Any) -> None:
    end = end_of(kind)
    FAULTS[fault](end)
    suffer(end)


@pytest.mark.parametrize("kind", ["email over TLS", "Slack over HTTP"])
def test_a_byte_now_and_then(kind: str, end_of: Any, suffer: Any) -> None:
    end = end_of(kind)
    end.wire.slow(5.0)
    suffer(end, attempts=1)


@pytest.mark.parametrize("kind", ENDS)
def test_slow_but_alive(kind: str, end_of: Any, suffer: Any) -> None:
    end = end_of(kind)
    end.wire.slow(5_000.0)
    suffer(end, attempts=0, over=lambda: None)


@pytest.mark.parametrize("kind", EMAILS)
@pytest.mark.parametrize("code", [421, 450, 451, 452])
def test_mail_server_defers(kind: str, code: int, end_of: Any, suffer: Any) -> None:
    end = end_of(kind)
    end.server.fail_next(code, times=4)
    suffer(end, attempts=1)


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 429, "retry_after": 1},
        {"code": 429},
        {"code": 500},
        {"code": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
        {"code": 503, "retry_after": 1},
        {"code": 302},
        {"code": 200, "body": "<html>Sign in to the guest network</html>", "content_type": "text/html"},
        {"code": 200, "body": "x" * 1_000_000},
    ],
    ids=lambda answer: " ".join(str(value)[:20] for value in answer.values()),
)
def test_slack_is_ill(answer: dict[str, Any], end_of: Any, suffer: Any) -> None:
    end = end_of("Slack over HTTP")
    end.server.fail_next(times=10_000, **answer)
    suffer(end, attempts=1, over=end.server.behave)


@pytest.mark.parametrize("kind", ["email over STARTTLS", "email over TLS", "Slack over HTTPS"])
@pytest.mark.parametrize("wrong", ["signed by somebody else", "for another name"])
def test_wrong_certificate(
    kind: str, wrong: str, end_of: Any, suffer: Any, make_trusted: Callable[..., Certificate]
) -> None:
    end = end_of(kind)
    good = end.server
    end.impostor(make_trusted() if wrong == "signed by somebody else" else make_trusted("mail.example.com"))

    def over() -> None:
        assert end.servers[1].messages == []
        end.wire.lead_to(good.host, good.port)

    suffer(end, over=over)


@pytest.mark.parametrize(("kind", "code"), [("email without TLS", 554), ("Slack over HTTP", 404)])
def test_what_was_refused_for_good_arrives_when_it_is_sent_again(
    kind: str, code: int, end_of: Any, begin: Begin, box: Any
) -> None:
    end = end_of(kind)
    end.server.fail_next(code, times=2)
    for number in range(ALERTS):
        box.put(f"firing {number}", f"alert:{number}", sink=end.sink.name)
    worker = begin(end.sink)
    assert [state for state, _, _ in box.settled()] == ["dead", "dead", "delivered"]
    with box.store.write() as connection:
        assert dead_letters.revive(connection, None, wall()) == 2
    worker.wake()
    assert {state for state, _, _ in box.settled()} == {"delivered"}
    assert sorted(end.subjects()) == [f"firing {number}" for number in range(ALERTS)]
    worker.stop()
    worker.join(10)
