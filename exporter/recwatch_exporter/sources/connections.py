"""The engines of one run of one check: opened when they are needed, interrupted and closed together."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.duck import DuckEngine, Settings

if TYPE_CHECKING:
    from recwatch_exporter.sources.engine import Engine


class Connections:
    """The engines of one run.

    Attributes:
        local: DuckDB in memory, always there: it reads files and joins what lies in different places.
    """

    def __init__(self, deadline: Deadline, settings: Settings | None = None) -> None:
        self.deadline = deadline
        self.local = DuckEngine(deadline, settings)
        self._engines: dict[str, Engine] = {"": self.local}

    def interrupt(self) -> None:
        """End whatever runs, from another thread."""
        for engine in list(self._engines.values()):
            engine.interrupt()

    def close(self) -> None:
        """Close every engine, the last opened first."""
        with ExitStack() as stack:
            for engine in self._engines.values():
                stack.callback(engine.close)


@contextmanager
def connections(deadline: Deadline, settings: Settings | None = None) -> Iterator[Connections]:
    """Engines for one run of one check; a query that outlasts the deadline is interrupted.

    Args:
        deadline: ends every query when its time is over.
        settings: DuckDB's own, such as `memory_limit` and `temp_directory`.
    """
    opened = Connections(deadline, settings)
    try:
        with deadline.interrupting(opened.interrupt):
            yield opened
    finally:
        opened.close()
