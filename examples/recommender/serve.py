"""Start the service: `python -m recommender.serve --port 8000`."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from recommender.errors import SettingsError
from recommender.paths import Home
from recommender.service import create_app
from recommender.settings import Settings, parse_seconds

_GRACE_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; what users did is written before it ends."""
    try:
        defaults = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    parser = argparse.ArgumentParser(
        prog="python -m recommender.serve", description="Serve recommendations over HTTP."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--home", type=Path, default=defaults.home.root, help="default: RECWATCH_HOME, or .")
    parser.add_argument("--model", default=defaults.model, help="default: RECWATCH_MODEL, or als")
    parser.add_argument(
        "--admin-token-file",
        type=Path,
        default=defaults.admin_token_file,
        help="holds the token of /admin; default: RECWATCH_ADMIN_TOKEN_FILE; without one /admin is refused",
    )
    parser.add_argument(
        "--flush-seconds",
        type=_seconds,
        default=defaults.flush_seconds,
        help="how often what users did is written; default: RECWATCH_FLUSH_SECONDS, or 30",
    )
    found = parser.parse_args(arguments)
    app = create_app(
        replace(
            defaults,
            home=Home(found.home),
            model=found.model,
            admin_token_file=found.admin_token_file,
            flush_seconds=found.flush_seconds,
        )
    )
    uvicorn.run(
        app,
        host=found.host,
        port=found.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return 0


def _seconds(text: str) -> float:
    try:
        return parse_seconds(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    raise SystemExit(main())
