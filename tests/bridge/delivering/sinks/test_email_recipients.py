"""Email to several people, some of whom a server does not take."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.testing import MailServer
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.sinks.email import EmailSink, Server

Begin = Callable[..., DeliveryWorker]


def team(mail: MailServer, *names: str) -> EmailSink:
    people = [f"{name}@example.com" for name in names or ("ann", "bob", "cleo")]
    return EmailSink(Server(mail.host, mail.port, "none", 5.0), sender="alerts@example.com", to=people)


def test_deferred_recipient_gets_it_later_and_the_others_once(
    box: Any, begin: Begin, rude_server: Any, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    deferred = {"bob@example.com": ["451 greylisted"] * 2, "cleo@example.com": ["550 unknown"]}
    with rude_server(recipients=deferred) as mail:
        box.put("one")
        worker = begin(team(mail))
        assert box.settled() == [("delivered", 3, None)]
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
    box: Any, begin: Begin, rude_server: Any, registry: CollectorRegistry
) -> None:
    answers = {"bob@example.com": ["451 greylisted", "550 unknown"]}
    with rude_server(recipients=answers) as mail:
        box.put("one")
        worker = begin(team(mail))
        assert box.settled() == [("delivered", 2, None)]
        worker.stop()
        worker.join(10)
        assert mail.envelopes == [["ann@example.com", "cleo@example.com"]]
    assert registry.get_sample_value("bridge_recipients_refused_total", {"sink": "email"}) == 1


def test_nobody_accepted_for_now_is_tried_again_for_all(box: Any, begin: Begin, rude_server: Any) -> None:
    answers = {
        "ann@example.com": ["450 later"],
        "bob@example.com": ["450 later"],
        "cleo@example.com": ["550 unknown"] * 9,
    }
    with rude_server(recipients=answers) as mail:
        box.put("one")
        worker = begin(team(mail))
        assert box.settled() == [("delivered", 2, None)]
        worker.stop()
        worker.join(10)
        assert mail.envelopes == [["ann@example.com", "bob@example.com"]]


def test_everybody_refused_is_final(box: Any, begin: Begin, rude_server: Any) -> None:
    with rude_server(recipients={"team@example.com": ["550 unknown"]}) as mail:
        box.put("one")
        worker = begin(team(mail, "team"))
        reason = "every recipient is refused: team@example.com: 550 unknown"
        assert box.settled() == [("dead", 1, reason)]
        worker.stop()
        worker.join(10)
