"""Start the service: `python -m recommender.serve --port 8000`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from recommender.paths import Home
from recommender.service import create_app
from recommender.settings import Settings

_GRACE_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; what users did is written before it ends."""
    defaults = Settings.from_environment(os.environ)
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
    found = parser.parse_args(arguments)
    app = create_app(Settings(Home(found.home), found.model, found.admin_token_file))
    uvicorn.run(
        app,
        host=found.host,
        port=found.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
