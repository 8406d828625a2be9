"""What a valid configuration may get wrong all the same: told at the start and by `--check-config`."""

import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from recwatch.durations import format_duration
from recwatch_bridge.config import BridgeConfig, Model, Slack, Token, split_listen
from recwatch_bridge.config.values import LOOPBACK
from recwatch_bridge.secret import read_secret, read_webhook_url

_LONG_ENOUGH = 16
"""Characters of a token."""
_HARDLY_MEANT = 2.0
_WATCHDOG = timedelta(minutes=3)


def cautions(settings: BridgeConfig) -> list[str]:
    """Say what can do nothing as it is written, or is not wise; what cannot work at all is in `obstacles`.

    Raises:
        ConfigError: when a secret cannot be read.
    """
    found = _tokens(settings.tokens) + _in_the_open(settings)
    if settings.watchdog is not None and settings.watchdog.timeout < _WATCHDOG:
        timeout = format_duration(settings.watchdog.timeout)
        found.append(f"watchdog.timeout: {timeout} is short, as Alertmanager tells it each minute: write 10m")
    for name, model in settings.models.items():
        found += _approval(name, model, settings) + _ratios(name, model) + _query(name, model)
    slack = settings.sinks.slack
    if slack is not None:
        found += _in_clear(slack)
    if settings.prometheus_url and not settings.external_url and slack is not None and slack.pictures:
        todo = "add external_url, or write pictures: false"
        found.append(f"sinks.slack.pictures: there is no address to link a picture by: {todo}")
    return found


def _tokens(tokens: Sequence[Token]) -> list[str]:
    found = []
    first: dict[str, int] = {}
    for number, token in enumerate(tokens):
        key = f"tokens.{number}.file"
        secret = read_secret(token.file, key)
        if len(secret) < _LONG_ENOUGH:
            todo = f"make one of {_LONG_ENOUGH} or more, such as by openssl rand -hex 32"
            found.append(f"{key}: its token has {len(secret)} characters and can be guessed: {todo}")
        same = first.setdefault(secret, number)
        if set(token.scopes) != set(tokens[same].scopes):
            found.append(f"{key}: is the token of tokens.{same} too, and has the scopes of both: make two")
    return found


def _in_the_open(settings: BridgeConfig) -> list[str]:
    host = split_listen(settings.listen)[0]
    if host in LOOPBACK or (settings.external_url or "").startswith("https://"):
        return []
    todo = "put a proxy with TLS before it, and name its address at external_url"
    return [f"listen: tokens and logins travel in clear to {settings.listen}: {todo}"]


def _query(name: str, model: Model) -> list[str]:
    asked = "" if model.watch is None else model.watch.query or ""
    return [
        f"models.{name}.watch.query: ${word} is not replaced: there are $model and $window"
        for word in re.findall(r"\$([A-Za-z_]\w*)", asked)
        if word not in ("model", "window")
    ]


def _ratios(name: str, model: Model) -> list[str]:
    return [
        f"models.{name}.gate.{metric}.ratio: {rule.ratio:g} asks for {rule.ratio:g} times what the serving "
        f"model reaches: for {rule.ratio:g} % of it write {rule.ratio / 100:g}"
        for metric, rule in model.gate.items()
        if rule.ratio is not None and rule.ratio >= _HARDLY_MEANT
    ]


def _in_clear(slack: Slack) -> list[str]:
    address = urlsplit(read_webhook_url(slack.webhook_url_file, "sinks.slack.webhook_url_file"))
    host = address.hostname or ""
    # A name without a dot is one of this network, such as a container's.
    if address.scheme == "https" or host in LOOPBACK or ("." not in host and ":" not in host):
        return []
    said = "begins with http://, so that messages and the address itself travel in clear: write https://"
    return [f"sinks.slack.webhook_url_file: the address in {slack.webhook_url_file} {said}"]


def _approval(name: str, model: Model, settings: BridgeConfig) -> list[str]:
    found = []
    if model.approval is not None and settings.external_url is None:
        found.append(f"models.{name}.approval: without external_url the message has no link to approve by")
    if model.approval is not None and not any("manage" in token.scopes for token in settings.tokens):
        found.append(f"models.{name}.approval: no token has the scope manage, so nobody can approve")
    return found
