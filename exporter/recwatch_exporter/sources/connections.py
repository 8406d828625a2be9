"""The engines of one run of one check: opened when they are needed, interrupted and closed together."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.databases import open_database
from recwatch_exporter.sources.duck import DuckEngine, Settings
from recwatch_exporter.sources.engine import Database


class Connections:
    """The engines of one run.

    Attributes:
        local: DuckDB in memory, always there: it reads files and joins what lies in different places.
    """

    def __init__(self, deadline: Deadline, settings: Settings | None = None) -> None:
        self.local = DuckEngine(deadline, settings)
        self._deadline = deadline
        self._settings = settings
        self._databases: dict[tuple[str, Path], Database] = {}

    def database(self, url: str, root: Path) -> Database:
        """The engine of a database; both windows share it.

        Args:
            url: as `open_database` takes it.
            root: the folder that files are relative to.

        Raises:
            SourceError: when it cannot be opened.
        """
        found = self._databases.get((url, root))
        if found is None:
            found = open_database(url, root=root, deadline=self._deadline, settings=self._settings)
            self._databases[url, root] = found
        return found

    def interrupt(self) -> None:
        """End whatever runs, from another thread."""
        for engine in (self.local, *self._databases.values()):
            engine.interrupt()

    def close(self) -> None:
        """Close every engine, the last opened first."""
        with ExitStack() as stack:
            for engine in (self.local, *self._databases.values()):
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
