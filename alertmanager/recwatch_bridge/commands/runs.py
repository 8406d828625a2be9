"""`recwatch-bridge runs`: which retrainings there were, and how one of them went."""

import argparse
import json
import sys
from collections.abc import Sequence

from recwatch.cli import text
from recwatch.cli.output import Output
from recwatch.errors import RecwatchError
from recwatch.say import answer
from recwatch_bridge.clock import lasting, moment, wall
from recwatch_bridge.commands.opening import open_store
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.log_tail import log_tail
from recwatch_bridge.retraining.runs import Reason, Run
from recwatch_bridge.storage.store import Store
from recwatch_bridge.web.views import log_file, reason_texts, run_view

_LOG_LINES = 20
_STYLES = {
    "pending": "dim",
    "running": "cyan",
    "gating": "cyan",
    "approving": "yellow",
    "promoting": "cyan",
    "refused": "yellow",
    "failed": "red",
    "withdrawn": "dim",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_id", nargs="?", metavar="RUN_ID", help="show this one, with its log's end")
    parser.add_argument("--model", help="runs of this model alone")
    parser.add_argument("--limit", type=_count, default=20, help="the newest so many (20)")
    parser.add_argument("--json", action="store_true", help="write JSON, for machines")


def run(settings: BridgeConfig, options: argparse.Namespace) -> int:
    """List retraining runs, or show one; returns the exit code.

    Raises:
        RecwatchError: when the database cannot be used, or there is no such run.
    """
    with open_store(settings) as store:
        if options.run_id is None:
            return _list(store, settings, options)
        return _one(store, settings, options)


def _count(written: str) -> int:
    if not written.isdecimal() or not int(written):
        raise argparse.ArgumentTypeError(f"{written!r} is no number above 0")
    return int(written)


def _list(store: Store, settings: BridgeConfig, options: argparse.Namespace) -> int:
    with store.read() as connection:
        found = runs.newest(connection, options.limit, model=options.model)
    if options.json:
        views = [run_view(item, reasons, settings.runs_folder) for item, reasons in found]
        answer(json.dumps([view.model_dump(mode="json") for view in views], indent=2))
        return 0
    if not found:
        answer("No retraining runs." if options.model is None else f"No retraining runs of {options.model}.")
        return 0
    with Output(sys.stdout, as_json=False) as output:
        output.table(
            ["run", "trigger", "started (UTC)", "took", "state", "version", "reason"],
            [_row(item, reasons) for item, reasons in found],
            right=["took"],
            optional=["trigger", "took", "started (UTC)", "reason"],
            styles={
                index: _STYLES[item.state] for index, (item, _) in enumerate(found) if item.state in _STYLES
            },
        )
    return 0


def _one(store: Store, settings: BridgeConfig, options: argparse.Namespace) -> int:
    with store.read() as connection:
        found = runs.find(connection, options.run_id)
        reasons = [] if found is None else runs.reasons_of(connection, found.id)
    if found is None:
        raise RecwatchError(f"no run {text.printable(options.run_id)}: `recwatch-bridge runs` lists them")
    tail = log_tail(log_file(settings.runs_folder, found), _LOG_LINES)
    if options.json:
        view = run_view(found, reasons, settings.runs_folder).model_dump(mode="json")
        answer(json.dumps(view | {"log_tail": tail}, indent=2))
        return 0
    with Output(sys.stdout, as_json=False) as output:
        _show(found, reasons, output)
        _show_gate(found, output)
        if tail:
            output.line()
            output.line(f"The end of {log_file(settings.runs_folder, found)}:")
            for line in tail.split("\n"):
                output.line(f"  {line}")
    return 0


def _row(item: Run, reasons: Sequence[Reason]) -> list[str]:
    told = reason_texts(item, reasons)
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return [
        item.id,
        item.trigger,
        _moment(item.started),
        _took(item),
        item.state,
        item.version or text.NOTHING,
        f"{told[0]}{more}" if told else text.NOTHING,
    ]


def _show(item: Run, reasons: Sequence[Reason], output: Output) -> None:
    facts = {
        "run": item.id,
        "model": item.model,
        "state": item.state,
        "error": item.error,
        "trigger": item.trigger,
        "asked for": _when(item.created),
        "begins": _when(item.not_before) if item.state == "pending" else None,
        "started": _when(item.started),
        "finished": _when(item.finished),
        "took": _took(item) if item.started is not None else None,
        "version": item.version,
        "in service before": item.serving,
        "approve until": _when(item.approve_until) if item.state == "approving" else None,
        "approved by": item.approved_by,
        "service reloaded": item.reload,
        "watch": item.watch,
        "log": item.log_url,
    }
    known = {name: value for name, value in facts.items() if value}
    width = max(map(len, known))
    for name, value in known.items():
        output.line(f"{name:<{width}}  {value}", style=_STYLES.get(item.state) if name == "state" else None)
    output.line()
    output.line("Reasons:")
    for told in reason_texts(item, reasons) or [text.NOTHING]:
        output.line(f"  {told}")


def _show_gate(item: Run, output: Output) -> None:
    if not item.gate:
        return
    output.line()
    verdict = "passed" if item.gate.get("passed") else "refused"
    output.line(f"Gate: {verdict}, with {item.gate.get('samples')} samples: {item.gate.get('summary')}")
    checks = item.gate.get("checks") or []
    if not checks:
        return
    numbers = ["candidate", "serving", "value", "low", "high", "limit"]
    rows = [
        [
            str(check["metric"]),
            str(check["kind"]),
            *(text.number(check[name]) for name in numbers),
            "yes" if check["passed"] else "no",
        ]
        for check in checks
    ]
    output.line()
    output.table(["metric", "demand", *numbers, "passed"], rows, right=numbers, optional=["low", "high"])


def _took(item: Run) -> str:
    if item.started is None:
        return text.NOTHING
    return lasting((wall() if item.finished is None else item.finished) - item.started)


def _moment(at: float | None) -> str:
    return text.moment(None if at is None else moment(at))


def _when(at: float | None) -> str | None:
    return None if at is None else f"{_moment(at)} UTC"
