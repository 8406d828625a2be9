"""What the installed command calls."""

from recwatch import entry


def main() -> int:
    """Run the command; the exit code."""
    return entry.run("recwatch_rules.main", "rules")
