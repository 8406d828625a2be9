"""`python -m recwatch.cli`: the command `recwatch` without its script."""

import sys

from recwatch.cli.entry import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
