"""`recwatch-dashboards`: write grafana/dashboards from code, or check that it is what the code generates."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recwatch_dashboards import generate

FOLDER = Path("grafana", "dashboards")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where --check found a file that is stale.
    """
    parser = argparse.ArgumentParser(prog="recwatch-dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the JSON files are (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    if not given.check:
        for path in generate.write(given.folder):
            print(f"changed {path}")
        return 0
    stale = generate.stale(given.folder)
    for path in stale:
        print(f"{path} is not what the code generates: run recwatch-dashboards and commit the result")
    return 1 if stale else 0
