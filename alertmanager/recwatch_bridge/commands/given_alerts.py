"""Alerts that a person hands to a command: a file, in Alertmanager's form or shorter."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recwatch_bridge.accepting.payload import Webhook, parse_webhook
from recwatch_bridge.clock import moment
from recwatch_bridge.errors import PayloadError

_STANDARD_INPUT = "-"


def read_alerts(name: str, now: float) -> Webhook:
    """Read a webhook's body, an alert, or a list of alerts; what is left out of an alert is filled in.

    Args:
        name: the file, `-` for standard input.
        now: when an alert without a start began, in seconds since the epoch.

    Raises:
        PayloadError: when it cannot be read or is none of these.
    """
    try:
        data = json.loads(_text(name))
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"{name}: is not JSON ({error})") from None
    if isinstance(data, dict) and "alerts" not in data:
        data = [data]
    if isinstance(data, list):
        data = {"alerts": data}
    if isinstance(data, dict) and isinstance(data.get("alerts"), list):
        data = {"status": "firing", **data, "alerts": list(_complete(data["alerts"], now))}
    try:
        webhook = parse_webhook(json.dumps(data).encode())
    except PayloadError as error:
        raise PayloadError(f"{name}: {error}") from None
    if not webhook.alerts:
        raise PayloadError(f'{name}: holds no alert: add one, such as {{"labels": {{"alertname": "A"}}}}')
    return webhook


def _complete(alerts: list[Any], now: float) -> Iterator[Any]:
    for number, alert in enumerate(alerts):
        if not isinstance(alert, Mapping):
            yield alert
            continue
        left_out = {
            "status": "firing",
            "startsAt": moment(now).isoformat(),
            "fingerprint": f"preview{number}",
        }
        yield {**left_out, **alert}


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == _STANDARD_INPUT else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise PayloadError(f"{name}: cannot be read ({reason})") from None
