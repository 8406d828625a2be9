"""The command `recwatch-bridge`."""

import argparse
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry

from recwatch import logs
from recwatch.config import load_config
from recwatch.errors import ConfigError, RecwatchError
from recwatch_bridge.bridge import Bridge, read_parts
from recwatch_bridge.config import BridgeConfig, split_listen

_DRAIN = 5
"""Seconds that requests under way have when the bridge is stopped."""

log = logging.getLogger("recwatch_bridge")


def main(arguments: Sequence[str] | None = None, registry: CollectorRegistry = REGISTRY) -> int:
    """Run the bridge until SIGTERM or SIGINT; returns the exit code."""
    options = _parser().parse_args(arguments)
    logs.configure()
    try:
        settings = load_config(options.config, BridgeConfig)
        parts = read_parts(settings, os.environ)
        for warning in _warnings(settings):
            log.warning("%s", warning)
        if options.check_config:
            print(f"{options.config}: good")
            return 0
        listener = _listen(options.listen or settings.listen)
        bridge = Bridge(settings, parts, registry)
    except RecwatchError as error:
        print(error, file=sys.stderr)
        return 1
    host, port = listener.getsockname()[:2]
    log.info("listening on %s:%d", host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            bridge.app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # For a signal that comes before uvicorn listens for it, and the one that it raises when it is done.
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])
    log.info("stopped")
    return 0 if server.started else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recwatch-bridge",
        description="Takes Alertmanager's webhooks: tells people by email and Slack, retrains, promotes.",
        allow_abbrev=False,
    )
    parser.add_argument("--config.file", dest="config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        help="instead of the configuration's `listen`",
    )
    parser.add_argument(
        "--check-config", action="store_true", help="say whether the configuration can be used, and end"
    )
    return parser


def _listen(address: str) -> socket.socket:
    try:
        return socket.create_server(split_listen(address))
    except ValueError as error:
        raise ConfigError(f"--web.listen-address: {address!r} {error}") from None
    except OSError as error:
        raise ConfigError(
            f"{address}: cannot listen there ({error.strerror}): stop what has the port, or change `listen`"
        ) from error


def _warnings(settings: BridgeConfig) -> list[str]:
    """Name what is not there yet: it may come before the first alert, so it is no error."""
    found = []
    for name, model in settings.models.items():
        program = model.launcher.argv[0]
        place = str(model.launcher.cwd / program) if "/" in program else program
        if shutil.which(place) is None:
            found.append(f"models.{name}.launcher.argv: {program} is not there or cannot be executed")
    return found
