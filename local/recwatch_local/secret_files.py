"""Tokens in files: made at random where they are missing, readable by their owner and group only.

`python -m recwatch_local.secret_files FOLDER NAME... [--copy NAME=FOLDER]` does it for docker compose.
"""

import argparse
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path


def make_secrets(folder: Path, names: Iterable[str], *, mode: int = 0o600) -> None:
    """Write a random token into each file that is not there yet; those that are there stay.

    Args:
        folder: made if it is missing, closed to others.
        names: the files' names.
        mode: the permissions of a new file.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in names:
        if not (folder / name).exists():
            write_secret(folder / name, secrets.token_urlsafe(32), mode=mode)


def write_secret(path: Path, value: str, *, mode: int = 0o600) -> None:
    """Write a secret so that at no moment anybody else can read it."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(value + "\n", encoding="utf-8")
    part.chmod(mode)
    part.replace(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the secrets of a container stack in its volumes."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_local.secret_files", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--copy", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument(
        "--slack-url", help="what `slack_url` says until somebody writes a real webhook's address there"
    )
    arguments = parser.parse_args(argv)
    # Servers of other images read these by group.
    make_secrets(arguments.folder, arguments.names, mode=0o440)
    if arguments.slack_url and not (arguments.folder / "slack_url").exists():
        write_secret(arguments.folder / "slack_url", arguments.slack_url, mode=0o440)
    for pair in arguments.copy:
        name, _, target = pair.partition("=")
        value = (arguments.folder / name).read_text(encoding="utf-8").strip()
        write_secret(Path(target) / name, value, mode=0o440)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
