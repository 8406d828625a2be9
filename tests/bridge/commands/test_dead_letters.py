import argparse
import json
from collections.abc import Callable
from typing import Any

import pytest

from recwatch.config import load_config
from recwatch.errors import RecwatchError, StoreError
from recwatch.testing import wait_until
from recwatch_bridge.commands import dead_letters
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.main import main

Call = Callable[..., int]


@pytest.fixture
def call(workplace: Any) -> Call:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    dead_letters.configure(parser)

    def run(*arguments: str) -> int:
        return dead_letters.run(load_config(workplace.config, BridgeConfig), parser.parse_args(arguments))

    return run


@pytest.fixture
def give_up(start: Any, workplace: Any, alert: Any, group: Any) -> Callable[..., list[str]]:
    """Starts a bridge whose mail server refuses some messages for good; returns their ids."""

    def refuse(count: int = 1) -> list[str]:
        bridge = start()
        workplace.mail.fail_next(554, times=count)
        for number in range(count):
            told = {"summary": "too slow\x1b[31m"}
            found = alert(f"Alert{number}", fingerprint=f"f{number}", annotations=told)
            bridge.post("/notify/email", group(found))
            bridge.post("/notify/slack", group(found))
        wait_until(lambda: [row["state"] for row in bridge.get("/api/v1/messages")].count("dead") == count)
        return [row["id"] for row in bridge.get("/api/v1/messages") if row["state"] == "dead"]

    return refuse


def test_they_are_listed_and_sent_again_while_the_bridge_runs(
    call: Call, give_up: Any, workplace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    [uid] = give_up()
    assert call("list") == 0
    listed = capsys.readouterr().out
    assert uid in listed
    assert "the server said 554 refused on request" in listed
    assert "\x1b" not in listed
    assert call("retry", uid) == 0
    assert capsys.readouterr().out == (
        "1 message will be sent again: at once where the bridge runs, otherwise when it starts.\n"
    )
    assert workplace.mail.wait_for(lambda message: "Alert0" in message["Subject"], timeout=20)
    assert call("list") == 0
    assert capsys.readouterr().out == "No dead letters.\n"


def test_all_of_a_sink_are_sent_again(
    call: Call, give_up: Any, workplace: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up(3)
    assert call("list", "--json", "--sink", "slack") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert call("list", "--json", "--sink", "email") == 0
    assert [row["attempts"] for row in json.loads(capsys.readouterr().out)] == [1, 1, 1]
    assert call("retry", "--all", "--sink", "slack") == 0
    assert capsys.readouterr().out.startswith("0 messages")
    assert call("retry", "--all") == 0
    assert capsys.readouterr().out.startswith("3 messages")
    wait_until(lambda: len(workplace.mail.messages) == 3, timeout=20)


def test_an_id_that_is_no_dead_letter_is_named(
    call: Call, give_up: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    [uid] = give_up()
    assert call("retry", "--sink", "slack", uid) == 1
    assert f"recwatch-bridge: {uid} is no dead letter of slack: see `list`" in capsys.readouterr().err
    assert call("retry", uid, "nonsense") == 1
    said = capsys.readouterr()
    assert said.out.startswith("1 message will")
    assert said.err == "recwatch-bridge: nonsense is no dead letter: see `list`\n"


@pytest.mark.parametrize("action", ["retry", "drop"])
@pytest.mark.parametrize("arguments", [(), ("--all", "some")])
def test_it_wants_to_know_which(call: Call, start: Any, action: str, arguments: tuple[str, ...]) -> None:
    start()
    with pytest.raises(RecwatchError, match=f"{action}: name messages by their ids, or say --all"):
        call(action, *arguments)


def test_one_is_dropped_and_named_in_the_log(
    call: Call,
    give_up: Any,
    workplace: Any,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = give_up(2)
    assert call("drop", first, "nonsense") == 1
    said = capsys.readouterr()
    assert said.out == "1 message dropped.\n"
    assert said.err == "recwatch-bridge: nonsense is no dead letter: see `list`\n"
    [record] = [record for record in caplog.records if "is dropped" in record.message]
    assert first in record.message
    assert "554 refused on request" in record.message
    assert call("list", "--json") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [second]
    assert call("retry", first) == 1
    assert workplace.mail.messages == []


def test_all_are_dropped_where_somebody_says_yes(
    call: Call, give_up: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up(2)
    assert call("drop", "--all", "--sink", "slack") == 0
    assert capsys.readouterr().out == "0 messages dropped.\n"
    with pytest.raises(RecwatchError, match="2 messages that reached nobody would be dropped: add --yes"):
        call("drop", "--all")
    assert call("drop", "--all", "--yes") == 0
    assert capsys.readouterr().out == "2 messages dropped.\n"
    assert call("list") == 0
    assert capsys.readouterr().out == "No dead letters.\n"


@pytest.mark.usefixtures("logs_as_before")
@pytest.mark.parametrize("action", [("list",), ("retry", "--all"), ("drop", "--all")])
def test_the_configuration_may_be_named_anywhere(
    start: Any, workplace: Any, action: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    named = ("--config.file", str(workplace.config))
    shown = []
    for arguments in (
        (*named, "dead-letters", *action),
        ("dead-letters", *named, *action),
        ("dead-letters", *action, *named),
    ):
        assert main(arguments) == 0
        shown.append(capsys.readouterr().out)
    assert len(set(shown)) == 1


def test_without_a_database_it_makes_none(call: Call, workplace: Any) -> None:
    with pytest.raises(StoreError, match="the bridge makes it when it starts for the first time"):
        call("list")
    assert not (workplace.folder / "data").exists()
