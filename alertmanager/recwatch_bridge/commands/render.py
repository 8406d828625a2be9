"""`recwatch-bridge render`: what the sinks would send for some alerts, to try templates with."""

import argparse
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recwatch.errors import ConfigError
from recwatch.say import answer, remark
from recwatch_bridge.accepting.payload import Status
from recwatch_bridge.clock import wall
from recwatch_bridge.commands.given_alerts import read_alerts
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.check_templates import check_templates
from recwatch_bridge.messages.compose import compose
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.messages.pictures import ask_and_draw
from recwatch_bridge.messages.render_email import Content, picture_address
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.secret import read_secret

_STATUSES: tuple[Status, ...] = ("firing", "resolved")
FORMATS = ("subject", "text", "html", "slack")
FILES = {"subject": "subject.txt", "text": "email.txt", "html": "email.html", "slack": "slack.json"}


@dataclass(frozen=True)
class _Picture:
    """The picture of the one message that is rendered."""

    png: bytes | None

    def of(self, _message: Message) -> bytes | None:
        return self.png


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "alerts",
        metavar="ALERT.json",
        help="a webhook of Alertmanager, or a list of alerts; - is standard input",
    )
    parser.add_argument("--format", choices=FORMATS, help="one of what is sent; all but html without it")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write files there instead, html among them"
    )
    parser.add_argument(
        "--picture", action="store_true", help="ask Prometheus (prometheus_url) for the picture"
    )


def run(settings: BridgeConfig, options: argparse.Namespace) -> int:
    """Show what would be sent; returns the exit code. Nothing is sent, and no database is opened.

    Raises:
        RecwatchError: when the alerts or a template cannot be used, or Prometheus cannot be asked.
    """
    now = wall()
    if settings.templates_dir is not None:
        check_templates(settings.templates_dir)
    prometheus = _prometheus(settings) if options.picture else None
    webhook = read_alerts(options.alerts, now)
    formats = (options.format,) if options.format else FORMATS
    for status in _STATUSES:
        alerts = webhook.of(status)
        if not alerts:
            continue
        said = compose(webhook, alerts, now=now)
        png = None
        if prometheus is not None and said.graph is not None:
            png = ask_and_draw(prometheus, said.graph, now)
            if png is None:
                remark(f"no picture: Prometheus has no rule {said.graph.alert}, or no series for it")
        rendered = _rendered(settings, said, png, now)
        if options.out is None:
            _show(status, rendered, formats, alone=options.format is not None)
        else:
            _write(options.out, status, rendered, formats, png)
    return 0


def _prometheus(settings: BridgeConfig) -> Prometheus:
    if settings.prometheus_url is None:
        raise ConfigError("--picture asks Prometheus: add prometheus_url to the configuration")
    token = None
    if settings.prometheus_token_file is not None:
        token = read_secret(settings.prometheus_token_file, "prometheus_token_file")
    return Prometheus(settings.prometheus_url, token=token)


def _rendered(settings: BridgeConfig, said: Notification, png: bytes | None, now: float) -> dict[str, str]:
    message = Message(
        id=0, uid="preview", sink="preview", kind="alerts", subject=said.subject, body=said.to_json(),
        reply_to=None, state="pending", attempts=0, created=now, next_attempt=now, finished=None, error=None,
        since=now,
    )  # fmt: skip
    renderer = Renderer(
        templates_dir=settings.templates_dir, external_url=settings.external_url, pictures=_Picture(png)
    )
    content = renderer.content(message)
    return {
        "subject": content.subject,
        "text": content.text.rstrip("\n"),
        "html": _standing_alone(content, message),
        "slack": json.dumps(renderer.slack(message), indent=2, ensure_ascii=False),
    }


def _standing_alone(content: Content, message: Message) -> str:
    """Return HTML that a browser shows with its picture, which is elsewhere in the email."""
    if content.picture is None:
        return content.html
    data = base64.b64encode(content.picture).decode()
    return content.html.replace(picture_address(message), f"data:image/png;base64,{data}")


def _show(status: str, rendered: Mapping[str, str], formats: tuple[str, ...], *, alone: bool) -> None:
    if alone:
        answer(rendered[formats[0]])
        return
    for name in ("subject", "text", "slack"):
        answer(f"--- {status}: {name} ---\n{rendered[name]}\n")


def _write(
    folder: Path, status: str, rendered: Mapping[str, str], formats: tuple[str, ...], png: bytes | None
) -> None:
    files = {f"{status}.{FILES[name]}": f"{rendered[name]}\n".encode() for name in formats}
    if png is not None:
        files[f"{status}.png"] = png
    for name, content in files.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        except OSError as error:
            raise ConfigError(f"--out: {folder / name} cannot be written ({error.strerror})") from None
        answer(str(folder / name))
