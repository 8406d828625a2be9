"""Running the bridge: what `recwatch-bridge` does without a command."""

import argparse
import logging
import os
import signal
import sys

import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry

from recwatch_bridge.bridge import Bridge
from recwatch_bridge.cautions import cautions
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.listening import listen
from recwatch_bridge.obstacles import obstacles
from recwatch_bridge.parts import read_parts
from recwatch_bridge.web.protocol import LimitedHeadProtocol

_DRAIN = 5
"""Seconds that requests under way have when the bridge is stopped."""
_MAX_CONNECTIONS = 1_000
_SWITCH_INTERVAL = 0.0005
"""Seconds that a busy thread keeps the interpreter from others; Python's 5 ms halve the rate of webhooks."""

log = logging.getLogger("recwatch_bridge")


def serve(settings: BridgeConfig, options: argparse.Namespace, registry: CollectorRegistry = REGISTRY) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    parts = read_parts(settings, os.environ)
    # The rest of the bridge is of use all the same: it tells people and works for other models.
    for obstacle in obstacles(settings, parts):
        log.error("%s", obstacle)
    for caution in cautions(settings):
        log.warning("%s", caution)
    listener = listen(options.listen_address or settings.listen)
    bridge = Bridge(settings, parts, registry)
    host, port = listener.getsockname()[:2]
    log.info("listening on http://%s:%d/", f"[{host}]" if ":" in host else host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            bridge.app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=LimitedHeadProtocol,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_DRAIN,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # For a signal that comes before uvicorn listens for it, and the one that it raises when it is done.
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    sys.setswitchinterval(_SWITCH_INTERVAL)
    server.run(sockets=[listener])
    log.info("stopped")
    return 0 if server.started else 1
