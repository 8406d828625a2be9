"""What a person sees of the demo: lines as things happen, and a progress bar of the replay below them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from recwatch_demo.timeline import Entry


class Screen(Protocol):
    """Where the demo says what happens."""

    def say(self, line: str) -> None:
        """Print a line."""

    def show(self, entry: Entry, started: datetime) -> None:
        """Print an entry of the timeline."""

    def progress(self, done: int, of: int, text: str) -> None:
        """Move the progress bar."""


class RichScreen:
    """A terminal; without one, or with NO_COLOR, plain lines."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("setting up", total=1)

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(f"[dim]{escape(line)}[/dim]", highlight=False)

    def show(self, entry: Entry, started: datetime) -> None:
        """Print an entry of the timeline with the seconds since the start."""
        seconds = (entry.at - started).total_seconds()
        mark = f"[green]✓[/green] [cyan]{seconds:6.1f} s[/cyan]"
        line = f"{mark}  [bold]{escape(entry.title)}[/bold]  {escape(entry.evidence)}"
        self._console.print(line, highlight=False, soft_wrap=True)

    def progress(self, done: int, of: int, text: str) -> None:
        """Move the bar: steps seen of all, and where the replay is."""
        self._bar.update(self._task, completed=done, total=of, description=text)


@contextmanager
def screen() -> Iterator[RichScreen]:
    """A screen for as long as the demo runs."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("of the loop"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield RichScreen(console, bar)
