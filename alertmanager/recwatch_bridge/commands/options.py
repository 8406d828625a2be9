"""Options that every command takes."""

import argparse
from pathlib import Path


def shared_options() -> argparse.ArgumentParser:
    """Return a parser to be the parent of each command's.

    Defaults are suppressed, so that an option may stand before the command, after it, or after its action.
    """
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    options.add_argument(
        "--config.file", dest="config", type=Path, metavar="FILE", help="bridge.yml by default"
    )
    options.add_argument(
        "--check-config", action="store_true", help="say whether the bridge can run like this, and end"
    )
    return options
