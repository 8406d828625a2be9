"""The command `recwatch-exporter`."""

import argparse
import logging
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from recwatch import __version__, logs
from recwatch.errors import ConfigError
from recwatch_exporter.addresses import Address, parse_address
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.metrics import DriftCollector
from recwatch_exporter.report import Verdict, table, verdict
from recwatch_exporter.web.app import create_app

_LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    logs.configure(level=logging.WARNING if options.once or options.check_config else logging.INFO)
    for noisy in ("apscheduler", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        exporter = Exporter(options.config_file)
        if options.check_config:
            print(f"{options.config_file}: valid, {len(exporter.config.checks)} checks")
            return 0
        if options.once:
            exporter.run_all()
            print(table(exporter.state.all()))
            return verdict(exporter.state.all())
        token = None if options.token_file is None else _read_token(options.token_file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return Verdict.CANNOT_TELL if options.once else 1
    return _serve(exporter, options.listen_address or exporter.config.listen, token)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recwatch-exporter",
        description="Compares a reference window with a current one on a schedule and exports what it finds.",
        epilog="SIGHUP reads the configuration again; SIGTERM stops. Configuration: docs/drift.md.",
    )
    parser.add_argument(
        "--config.file", dest="config_file", type=Path, required=True, metavar="FILE", help="drift.yml"
    )
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        type=_address,
        metavar="HOST:PORT",
        help="where to listen, instead of the configuration's `listen`; port 0 takes any that is free",
    )
    parser.add_argument(
        "--web.token-file",
        dest="token_file",
        type=Path,
        metavar="FILE",
        help="the bearer token of POST /-/reload and /-/run/CHECK; without it both are refused",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check-config", action="store_true", help="say whether the configuration can be used, and end"
    )
    mode.add_argument(
        "--once",
        action="store_true",
        help="run every check once, print a table, end with 0 (no drift), 1 (drift) or 2 (could not tell)",
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the token cannot be read: {error}") from error
    if not token:
        raise ConfigError(f"{path}: holds no token: write one line of random letters")
    return token


def _serve(exporter: Exporter, address: Address, token: str | None) -> int:
    """Serve until a signal comes."""
    try:
        listening = socket.create_server(
            address, family=socket.AF_INET6 if ":" in address.host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        print(
            f"cannot listen on {address}: {error.strerror}: choose another --web.listen-address",
            file=sys.stderr,
        )
        return 1
    registry = CollectorRegistry()
    registry.register(DriftCollector(exporter.state, exporter.reload_status))
    app = create_app(exporter, registry, token)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    _handle_signals(exporter, server)
    with listening:
        port = listening.getsockname()[1]
        exporter.start()
        _LOG.info(
            logs.event(
                "Exporter started", checks=len(exporter.config.checks), address=Address(address.host, port)
            )
        )
        try:
            server.run(sockets=[listening])
        finally:
            exporter.stop()
    _LOG.info("Exporter stopped")
    return 0


def _handle_signals(exporter: Exporter, server: uvicorn.Server) -> None:
    def stop(*_: object) -> None:
        server.should_exit = True

    def reload() -> None:
        try:
            exporter.reload()
        except ConfigError:
            return  # logged, counted, and the old configuration stays

    # uvicorn takes these over while it serves, and raises them again afterwards: told once is enough.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # A handler runs in the event loop's thread, where nothing may read files.
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload, name="reload").start())
