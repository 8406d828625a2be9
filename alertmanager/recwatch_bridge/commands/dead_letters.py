"""`recwatch-bridge dead-letters`: messages that were given up; sending them again, or dropping them."""

import argparse
import json
import logging
import sys

from recwatch.cli import text
from recwatch.cli.output import Output
from recwatch.errors import RecwatchError
from recwatch.say import answer, remark
from recwatch_bridge.clock import iso, moment, wall
from recwatch_bridge.commands.opening import open_store
from recwatch_bridge.commands.options import shared_options
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering.dead_letters import dead, drop, revive
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.storage.store import Store

SINKS = ("email", "slack")

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = shared_options()
    listing = actions.add_parser(
        "list", help="show messages that were given up, oldest first", parents=[shared], allow_abbrev=False
    )
    listing.add_argument("--sink", choices=SINKS, help="of this one alone")
    listing.add_argument("--json", action="store_true", help="write JSON, for machines")
    retry = actions.add_parser(
        "retry", help="send messages again that were given up", parents=[shared], allow_abbrev=False
    )
    dropping = actions.add_parser(
        "drop", help="let messages that were given up rest for good", parents=[shared], allow_abbrev=False
    )
    for change in (retry, dropping):
        change.add_argument("uids", nargs="*", metavar="UID", help="which, as `list` shows them")
        change.add_argument("--all", action="store_true", help="every one")
        change.add_argument("--sink", choices=SINKS, help="of this one alone")
    dropping.add_argument("--yes", action="store_true", help="with --all: yes, every one")


def run(settings: BridgeConfig, options: argparse.Namespace) -> int:
    """List dead letters, put them back into the outbox or drop them; returns the exit code.

    Raises:
        RecwatchError: when the database cannot be used, or the arguments make no sense.
    """
    actions = {"list": _list, "retry": _retry, "drop": _drop}
    with open_store(settings) as store:
        return actions[options.action](store, options)


def _list(store: Store, options: argparse.Namespace) -> int:
    with store.read() as connection:
        found = dead(connection, options.sink)
    if options.json:
        answer(json.dumps([_document(message) for message in found], indent=2))
        return 0
    if not found:
        answer("No dead letters.")
        return 0
    with Output(sys.stdout, as_json=False) as output:
        output.table(
            ["message", "sink", "given up (UTC)", "attempts", "subject", "error"],
            [_row(message) for message in found],
            right=["attempts"],
            optional=["attempts", "given up (UTC)", "error"],
        )
    return 0


def _retry(store: Store, options: argparse.Namespace) -> int:
    uids = _asked(options)
    with store.write() as connection:
        found = {message.uid for message in dead(connection, options.sink)}
        count = revive(connection, uids, wall(), sink=options.sink)
    code = _name_unknown(uids, found, options.sink)
    answer(f"{_messages(count)} will be sent again: at once where the bridge runs, otherwise when it starts.")
    return code


def _drop(store: Store, options: argparse.Namespace) -> int:
    uids = _asked(options)
    with store.write() as connection:
        found = {message.uid: message for message in dead(connection, options.sink)}
        if uids is None and found and not options.yes:
            raise RecwatchError(
                f"dead-letters drop --all: {_messages(len(found))} that reached nobody would be dropped: "
                "add --yes, or name them by their ids"
            )
        chosen = [found[uid] for uid in (found if uids is None else uids) if uid in found]
        count = drop(connection, [message.uid for message in chosen])
    for message in chosen:
        log.warning("%s to %s is dropped: %s (%s)", message.uid, message.sink, message.subject, message.error)
    code = _name_unknown(uids, set(found), options.sink)
    answer(f"{_messages(count)} dropped.")
    return code


def _asked(options: argparse.Namespace) -> list[str] | None:
    if options.all == bool(options.uids):
        raise RecwatchError(f"dead-letters {options.action}: name messages by their ids, or say --all")
    return None if options.all else list(dict.fromkeys(options.uids))


def _name_unknown(uids: list[str] | None, found: set[str], sink: str | None) -> int:
    unknown = [uid for uid in uids or () if uid not in found]
    for uid in unknown:
        remark(f"recwatch-bridge: {text.printable(uid)} is no dead letter{_of(sink)}: see `list`")
    return 1 if unknown else 0


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _of(sink: str | None) -> str:
    return "" if sink is None else f" of {sink}"


def _row(message: Message) -> list[str]:
    given_up = None if message.finished is None else moment(message.finished)
    return [
        message.uid,
        message.sink,
        text.moment(given_up),
        text.number(message.attempts),
        message.subject,
        message.error or text.NOTHING,
    ]


def _document(message: Message) -> dict[str, object]:
    return {
        "id": message.uid,
        "sink": message.sink,
        "kind": message.kind,
        "subject": message.subject,
        "created_at": iso(message.created),
        "given_up_at": iso(message.finished),
        "attempts": message.attempts,
        "error": message.error,
    }
