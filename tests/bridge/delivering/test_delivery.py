"""Workers against sinks that misbehave."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.testing import MailServer, SlackServer, wait_until
from recwatch_bridge.clock import wall
from recwatch_bridge.delivering import dead_letters, outbox
from recwatch_bridge.delivering.blocking import WINDOW
from recwatch_bridge.delivering.delivery import Backoff, DeliveryWorker
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import Pace, pace_of, set_pace
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Outcome
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.delivering.sinks.slack import SlackSink
from recwatch_bridge.messages.notification import Entry, Notification

Begin = Callable[..., DeliveryWorker]


def email_to(mail: MailServer) -> EmailSink:
    server = Server(mail.host, mail.port, "none", 5.0)
    return EmailSink(server, sender="alerts@example.com", to=["team@example.com"])


class PickySink:
    """Behaves like a sink that is away, but for some messages only."""

    name = "email"
    min_interval = 0.0

    def __init__(self, *refuses: str) -> None:
        self.refuses = refuses
        self.asked: list[str] = []

    def send(self, message: Message) -> Outcome:
        self.asked.append(message.subject)
        if message.subject in self.refuses:
            return Later("Slack said 500 for this one")
        return Delivered()


class FaultySink(PickySink):
    """A fault of ours."""

    def send(self, message: Message) -> Outcome:
        if message.subject in self.refuses:
            raise ValueError("cannot be rendered")
        return Delivered()


def test_message_that_always_fails_lets_the_others_pass(box: Any, begin: Begin) -> None:
    box.put("bad", "alert:a")
    box.put("about the same", "alert:a")
    box.put("good", "alert:b")
    box.put("better", "alert:c")
    begin(PickySink("bad"))
    wait_until(lambda: [row.state for row in box.rows()][2:] == ["delivered", "delivered"])
    wait_until(lambda: box.rows()[0].attempts >= 3)
    assert [row.state for row in box.rows()] == ["pending", "pending", "delivered", "delivered"]
    box.put("newer", "alert:d")
    wait_until(lambda: box.rows()[-1].state == "delivered")


def test_sink_that_stays_away_is_asked_less_often_whatever_the_message(
    box: Any, worker_of: Begin, clock: Any
) -> None:
    for number in range(4):
        box.put(str(number), now=clock.now)
    backoff = Backoff(initial=0.01, maximum=0.04, give_up_after=60.0)
    worker = worker_of(PickySink(*"0123"), backoff=backoff, clock=clock)
    rests = []
    for _ in range(4):
        worker.step()
        with box.store.read() as connection:
            rests.append(pace_of(connection, "email").length)
        clock.now += rests[-1]
    assert [row.attempts for row in box.rows()] == [1, 1, 1, 1]
    for rest, full in zip(rests, [0.01, 0.02, 0.04, 0.04], strict=True):
        assert full / 2 <= rest <= full


def test_a_rest_holds_over_a_restart(box: Any, worker_of: Begin, clock: Any) -> None:
    sink = PickySink("one")
    backoff = Backoff(initial=0.2, maximum=0.2, give_up_after=60.0)
    box.put("one", now=clock.now)
    worker_of(sink, backoff=backoff, clock=clock).step()
    box.put("two", now=clock.now)
    again = worker_of(sink, backoff=backoff, clock=clock)
    wait = again.step()
    assert 0 < wait <= 0.2
    assert sink.asked == ["one"]
    clock.now += wait
    again.step()
    assert len(sink.asked) == 2


def test_a_sink_that_is_well_again_forgets_its_failures(box: Any, begin: Begin) -> None:
    sink = PickySink("one")
    box.put("one")
    begin(sink)
    wait_until(lambda: box.rows()[0].attempts >= 2)
    sink.refuses = ()
    box.settled()
    with box.store.read() as connection:
        assert pace_of(connection, "email") == Pace()


def test_sick_sink_does_not_delay_another(
    box: Any, begin: Begin, mail: MailServer, slack: SlackServer
) -> None:
    slack.fail_next(503, times=10_000)
    for number in range(3):
        box.put(f"number {number}", sink="slack")
        box.put(f"number {number}", sink="email")
    begin(SlackSink(slack.url, min_interval=0.0))
    begin(email_to(mail))
    wait_until(lambda: len(mail.messages) == 3)
    assert slack.messages == []


def test_given_up_after_a_while(box: Any, worker_of: Begin, mail: MailServer, clock: Any) -> None:
    mail.fail_next(451, times=10)
    box.put("one", now=clock.now)
    backoff = Backoff(initial=40.0, maximum=40.0, give_up_after=100.0)
    worker = worker_of(email_to(mail), backoff=backoff, clock=clock)
    for _ in range(2):
        worker.step()
        assert box.states()[0][0] == "pending"
        clock.now += 40
    worker.step()
    assert box.states() == [("dead", 3, "given up: the server said 451 refused on request")]


def test_dead_letter_that_was_taken_back_is_sent(box: Any, begin: Begin, mail: MailServer) -> None:
    mail.fail_next(554)
    box.put("one", "alert:a")
    worker = begin(email_to(mail))
    assert box.settled()[0][0] == "dead"
    with box.store.write() as connection:
        assert dead_letters.revive(connection, None, wall()) == 1
    worker.wake()
    assert box.settled() == [("delivered", 1, None)]
    assert [message["Subject"] for message in mail.messages] == ["one"]


def test_fault_of_ours_stops_no_other_message(box: Any, begin: Begin, registry: CollectorRegistry) -> None:
    box.put("broken")
    box.put("good")
    begin(FaultySink("broken"), Backoff(initial=60.0, maximum=60.0, give_up_after=3600.0))
    wait_until(lambda: box.states()[1][0] == "delivered")
    assert box.states()[0] == ("pending", 1, "fault in the bridge: ValueError")
    assert registry.get_sample_value("bridge_worker_errors_total", {"worker": "deliver-email"}) == 1


@pytest.mark.parametrize("back", [90.0, 7200.0])
def test_clock_set_back_makes_nothing_wait(
    box: Any, worker_of: Callable[..., DeliveryWorker], clock: Any, back: float
) -> None:
    sink = PickySink("one")
    backoff = Backoff(initial=0.02, maximum=0.02, give_up_after=86_400.0)
    box.put("one", "alert:a", now=clock.now)
    worker = worker_of(sink, backoff=backoff, clock=clock)
    worker.step()
    box.put("two", "alert:a", now=clock.now)
    with box.store.write() as connection:
        set_pace(connection, "email", Pace(3, clock.now + 30, 30.0))
    clock.now -= back
    sink.refuses = ()
    for _ in range(4):
        worker.step()
    assert [row.state for row in box.rows()] == ["delivered", "delivered"]


def test_a_crowd_behind_a_deferred_message_holds_up_nobody(box: Any, worker_of: Begin, clock: Any) -> None:
    class Deferring(PickySink):
        def send(self, message: Message) -> Outcome:
            outcome = super().send(message)
            return Later("451 greylisted", whole_sink=False) if isinstance(outcome, Later) else outcome

    sink = Deferring("deferred")
    box.put("deferred", "alert:a", now=clock.now)
    worker = worker_of(sink, backoff=Backoff(60.0, 60.0, 3600.0), clock=clock)
    worker.step()
    sink.refuses = ()
    with box.store.write() as connection:
        for number in range(WINDOW):
            said = Notification(str(number), "info", (Entry("x"),))
            outbox.enqueue(
                connection, said, sink="email", kind="alerts", about=["alert:a"], now=clock.now - 9
            )
    box.put("other", "alert:b", now=clock.now)
    for _ in range(3):
        worker.step()
    assert sink.asked == ["deferred", "other"]
    clock.now += 60
    for _ in range(3):
        worker.step()
    assert sink.asked[2:] == ["deferred", "0", "1"]
