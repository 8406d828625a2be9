"""`recwatch-exporter serve`, or no command at all: run checks on schedule and export what they find."""

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import threading
from asyncio import CancelledError
from pathlib import Path
from types import FrameType

import uvicorn
from prometheus_client import CollectorRegistry

from recwatch import logs
from recwatch.errors import ConfigError
from recwatch.say import remark
from recwatch_exporter.addresses import Address
from recwatch_exporter.exporter import Exporter, ReloadBusyError
from recwatch_exporter.metrics import DriftCollector
from recwatch_exporter.process.storage import Storage
from recwatch_exporter.web.app import create_app

_LOG = logging.getLogger(__name__)
_STATE_FILE = "drift.sqlite3"
_LONGEST_STOP_SECONDS = 8.0
"""How long the process lives on after a signal, whatever hangs."""
_TURN_SECONDS = 0.0005
_GARBAGE = (10_000, 20, 500)
"""After how many new objects, and how many rounds of the younger ones, the three generations are searched."""


def serve(options: argparse.Namespace) -> int:
    """Serve until a signal comes; the exit code.

    Raises:
        ConfigError: when the configuration or the token's file cannot be used.
    """
    storage = None if options.storage_path is None else Storage(options.storage_path / _STATE_FILE)
    exporter = Exporter(options.config_file, workers=options.workers, storage=storage)
    token = None if options.token_file is None else _read_token(options.token_file)
    return _serve(exporter, options.listen_address or exporter.config.listen, token)


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the token cannot be read: {error}") from error
    if not token:
        raise ConfigError(f"{path}: holds no token: write one line of random letters")
    if any(letter.isspace() or not letter.isprintable() for letter in token):
        raise ConfigError(f"{path}: holds more than a token: write one line of random letters without blanks")
    return token


def _serve(exporter: Exporter, address: Address, token: str | None) -> int:
    try:
        listening = socket.create_server(
            address, family=socket.AF_INET6 if ":" in address.host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        # By number where there is one: the message itself repeats the address, as Python writes it.
        why = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror
        remark(f"cannot listen on {address}: {why}: choose another --web.listen-address")
        return 1
    # asyncio sees to it only for sockets that it made; without it an answer in parts takes 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    registry = CollectorRegistry()
    registry.register(DriftCollector(exporter.state, exporter.reload_status, exporter.storage))
    app = create_app(exporter, registry, token)
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    logging.getLogger("uvicorn.error").addFilter(_tells_of_no_end)
    _handle_signals(exporter, server)
    with listening:
        port = listening.getsockname()[1]
        exporter.start()
        checks = len(exporter.config.checks)
        _spare_scrapes()
        _LOG.info(logs.event("Exporter started", checks=checks, address=Address(address.host, port)))
        try:
            server.run(sockets=[listening])
        finally:
            exporter.stop()
    _LOG.info("Exporter stopped")
    return 0


class _Server(uvicorn.Server):
    """Ends the process in time, even where a thread that it waits for hangs."""

    _ending = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does while it serves."""
        self.end()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """Ask it to end."""
        self.should_exit = True
        if not self._ending:
            self._ending = True
            timer = threading.Timer(_LONGEST_STOP_SECONDS, _leave)
            timer.daemon = True
            timer.start()


def _leave() -> None:
    _LOG.warning(logs.event("Exporter stopped; something that hangs was left behind"))
    os._exit(0)


def _tells_of_no_end(record: logging.LogRecord) -> bool:
    """Leave out the traceback of a request that was cut off by the end of the process."""
    kind = record.exc_info[0] if record.exc_info else None
    return not (kind is not None and issubclass(kind, CancelledError))


def _spare_scrapes() -> None:
    """Keep scrapes from waiting for what else the process does.

    The garbage collector looks through what stays more rarely, as each time takes long: what is there by
    now, and the results of checks, go by their reference counts; rings die young. And threads take short
    turns, as a scrape needs several.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def _handle_signals(exporter: Exporter, server: _Server) -> None:
    def stop(*_: object) -> None:
        server.end()

    def reload() -> None:
        try:
            exporter.reload()
        except ConfigError:
            return  # logged, counted, and the old configuration stays
        except ReloadBusyError as error:
            _LOG.error("Reload refused | error=%s", error)

    # uvicorn takes these over while it serves, and raises them again afterwards: told once is enough.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # A handler runs in the event loop's thread, where nothing may read files.
    signal.signal(
        signal.SIGHUP, lambda *_: threading.Thread(target=reload, name="reload", daemon=True).start()
    )
