"""`recwatch-bridge send-report`: the report until now through its sinks, now."""

import argparse
from dataclasses import replace

from recwatch.errors import ConfigError
from recwatch.report.prometheus import Prometheus
from recwatch.say import answer
from recwatch_bridge.clock import wall
from recwatch_bridge.commands.send_test import message, told
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered
from recwatch_bridge.delivering.sinks.build import read_sinks
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.reporting.making import attached, make, summary
from recwatch_bridge.secret import read_secret
from recwatch_bridge.storage.attachments import Attachment


class _OneFile:
    """The file that goes with every message."""

    def __init__(self, file: Attachment) -> None:
        self._file = file

    def of(self, _message: Message) -> Attachment:
        return self._file


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--sink", choices=("email", "slack"), help="through this one alone, whatever report.sinks says"
    )


def run(settings: BridgeConfig, options: argparse.Namespace) -> int:
    """Make the report and send it; returns 0 when every sink took it, 1 when one did not.

    It goes past the outbox: nothing is stored, nothing is tried again, and the next one comes at its time.

    Raises:
        ConfigError: when a secret cannot be read, or `prometheus_url` or the sink is not configured.
        ReportError: when Prometheus does not answer, or less than half of what it is asked.
    """
    if settings.prometheus_url is None:
        raise ConfigError("report is made of what Prometheus knows: add prometheus_url")
    names = settings.report.sinks if options.sink is None else (options.sink,)
    plans = [plan for plan in read_sinks(settings.sinks) if plan.name in names]
    if not plans:
        raise ConfigError(f"sinks.{names[0]}: is not configured: add it to the file")
    token = None
    if settings.prometheus_token_file is not None:
        token = read_secret(settings.prometheus_token_file, "prometheus_token_file")
    now = wall()
    report = make(Prometheus(settings.prometheus_url, token=token), now, settings.report.period)
    file = _OneFile(attached(report))
    failed = 0
    for plan in plans:
        has_file = plan.name == "email"
        renderer = Renderer(
            templates_dir=settings.templates_dir,
            external_url=settings.external_url,
            attachments=file if has_file else None,
        )
        said = replace(message(plan.name, now, summary(report, has_file=has_file)), kind="report")
        outcome = plan.make(renderer).send(said)
        failed += not (isinstance(outcome, Delivered) and not outcome.refused)
        answer(f"{plan.name}: {told(outcome)}")
    return 1 if failed else 0
