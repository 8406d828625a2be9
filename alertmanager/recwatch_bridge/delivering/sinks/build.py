"""From the configuration to sinks."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recwatch.errors import ConfigError
from recwatch_bridge import config
from recwatch_bridge.delivering.settling import Backoff
from recwatch_bridge.delivering.sinks.base import Sink
from recwatch_bridge.delivering.sinks.email import EmailSink, Server
from recwatch_bridge.delivering.sinks.slack import SlackSink
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.secret import read_secret, read_webhook_url


@dataclass(frozen=True)
class SinkPlan:
    """A sink that the configuration describes, with its secrets read; nothing is connected yet.

    Attributes:
        name: of the sink.
        backoff: how long to wait after failures.
        pictures: whether its messages show pictures of metrics.
        make: makes the sink, given what renders its messages.
    """

    name: str
    backoff: Backoff
    pictures: bool
    make: Callable[[Renderer], Sink]


def read_sinks(settings: config.Sinks) -> tuple[SinkPlan, ...]:
    """Read what sinks there are.

    Raises:
        ConfigError: when a secret or a file of certificates is missing or cannot be used.
    """
    plans = []
    if settings.email is not None:
        plans.append(_email(settings.email))
    if settings.slack is not None:
        plans.append(_slack(settings.slack))
    return tuple(plans)


def _email(settings: config.Email) -> SinkPlan:
    password = None
    if settings.password_file is not None:
        password = read_secret(settings.password_file, "sinks.email.password_file")
    server = Server(
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        timeout=settings.timeout.total_seconds(),
        user=settings.user,
        password=password,
        context=_trusting(settings.ca_file),
    )

    def make(renderer: Renderer) -> Sink:
        return EmailSink(server, sender=settings.sender, to=settings.to, renderer=renderer)

    return SinkPlan("email", _backoff(settings.retry), settings.pictures, make)


def _slack(settings: config.Slack) -> SinkPlan:
    make = partial(
        SlackSink,
        read_webhook_url(settings.webhook_url_file, "sinks.slack.webhook_url_file"),
        min_interval=settings.min_interval.total_seconds(),
        timeout=settings.timeout.total_seconds(),
    )
    return SinkPlan("slack", _backoff(settings.retry), settings.pictures, lambda it: make(renderer=it))


def _trusting(certificates: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"sinks.email.ca_file: {certificates} cannot be used ({error.strerror or error}): "
            "write the certificates to trust into it, as PEM"
        ) from None


def _backoff(retry: config.Retry) -> Backoff:
    return Backoff(
        retry.initial.total_seconds(), retry.max.total_seconds(), retry.give_up_after.total_seconds()
    )
