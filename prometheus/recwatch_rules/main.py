"""`recwatch-rules`: what is generated from the rules, or a check that it is not stale."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from recwatch_rules import operator, plain, table, written
from recwatch_rules.addresses import GRAFANA, RUNBOOKS, Addresses
from recwatch_rules.errors import RulesError
from recwatch_rules.objects import Metadata
from recwatch_rules.pack import alerts, read_groups, read_thresholds

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, 1 where --check found something stale or the files cannot be used, 2 where the command is wrong.
    """
    given = create_parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except (RulesError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def create_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    parser = argparse.ArgumentParser(prog="recwatch-rules", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the repository's folder (default: the current one)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("table", help="write the table of docs/alerts.md")
    one.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is stale")
    one.set_defaults(run=_table)
    one = commands.add_parser("operator", help="write objects for the Prometheus operator")
    one.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    one.add_argument("--folder", type=Path, help="where to write (default: prometheus/operator below --root)")
    one.add_argument(
        "--namespace", default="", help="of every object (default: whoever applies them says it)"
    )
    one.add_argument(
        "--label",
        action="append",
        default=[],
        type=_label,
        metavar="NAME=VALUE",
        help="of every object, such as release=kube-prometheus-stack; may be given again",
    )
    one.add_argument(
        "--services-namespace",
        action="append",
        default=[],
        metavar="NAME",
        help="where recommenders and recwatch's parts are (default: anywhere); may be given again",
    )
    _add_addresses(one)
    one.add_argument("--helm", action="store_true", help="write templates of a Helm chart")
    one.set_defaults(run=_operator)
    one = commands.add_parser("plain", help="write rules and dashboards with addresses of your own")
    one.add_argument("--folder", type=Path, required=True, help="where to write rules/ and dashboards/")
    _add_addresses(one)
    one.set_defaults(run=_plain)
    return parser


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grafana-url", default=GRAFANA, help="in dashboard_url (default: %(default)s)")
    parser.add_argument("--runbook-url", default=RUNBOOKS, help="in runbook_url (default: %(default)s)")


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is no label: write NAME=VALUE")
    return name, value


def _table(given: argparse.Namespace) -> int:
    folder = given.root / "prometheus" / "rules"
    page = given.root / "docs" / "alerts.md"
    runbooks = {
        file.stem: file.read_text(encoding="utf-8")
        for file in (given.root / "docs" / "runbooks").glob("*.md")
    }
    rows = table.table(
        alerts(read_groups(folder)), runbooks, read_thresholds(folder / "recording.thresholds.yml")
    )
    before = page.read_text(encoding="utf-8")
    after = table.put(before, rows)
    if after == before:
        return 0
    if given.check:
        print(f"{page} is not what the rules give: run recwatch-rules table and commit the result")
        return 1
    page.write_text(after, encoding="utf-8")
    print(f"changed {page}")
    return 0


def _operator(given: argparse.Namespace) -> int:
    folder = given.folder or given.root / "prometheus" / "operator"
    wanted = operator.files(
        given.root,
        metadata=Metadata(given.namespace, dict(given.label)),
        addresses=Addresses(given.grafana_url, given.runbook_url),
        namespaces=given.services_namespace,
        helm=given.helm,
    )
    if not given.check:
        for name in written.write(folder, wanted):
            print(f"changed {folder / name}")
        return 0
    stale = written.stale(folder, wanted)
    for name in stale:
        print(
            f"{folder / name} is not what the rules and these options give:"
            " run recwatch-rules operator with the same options, and commit the result"
        )
    return 1 if stale else 0


def _plain(given: argparse.Namespace) -> int:
    wanted = plain.files(given.root, Addresses(given.grafana_url, given.runbook_url))
    for name in plain.write(given.folder, wanted):
        print(f"changed {given.folder / name}")
    return 0
