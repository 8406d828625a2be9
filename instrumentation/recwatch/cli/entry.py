"""What the installed command calls."""

from recwatch import entry

__all__ = ["main"]


def main() -> int:
    """Run the command; the exit code."""
    return entry.run("recwatch.cli.main", "cli")
