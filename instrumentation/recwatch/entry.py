"""Start a command whose packages are an extra, and say which one where they are missing."""

import importlib
import sys

__all__ = ["run"]


def run(module: str, extra: str, *, missing: int = 1) -> int:
    """Call a module's `main()`.

    Args:
        module: its dotted name.
        extra: the extra of recwatch that brings what it imports.
        missing: the exit code where a package is missing.

    Returns:
        The exit code of `main`; `missing` where a package is missing, with a line on standard error.
    """
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed: pip install 'recwatch[{extra}]'\n")
        return missing
    return int(found.main())
