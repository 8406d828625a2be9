"""Count many requests at once: a request pays an append, the next scrape or every 128th request the rest.

In the middle of a request, metrics and the code that writes them are in no cache of the processor; a batch
pays for that once. Whoever reads the registry sees all requests: what waits is counted first. (Not for
several processes that share a folder: none of them knows when another one reads it.)
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.registry import Collector

__all__ = ["MOST", "Pending"]

MOST = 128
"""How many records may wait."""


class _Writer(Protocol):
    def write(self, records: Sequence[Any]) -> None:
        """Count them. Must not raise."""


class Pending(Collector):
    """Records that wait to be counted; to be registered before the metrics that they are counted in.

    Attributes:
        waiting: pairs of a writer and a record; any thread appends, and calls `write` where it finds `MOST`.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[_Writer, Any]] = deque()

    def write(self) -> None:
        """Hand all that waits to the writers. Each record is taken once, however many threads are at it."""
        taken: dict[_Writer, list[Any]] = {}
        waiting = self.waiting
        for _ in range(len(waiting)):
            try:
                writer, record = waiting.popleft()
            except IndexError:
                break
            if writer in taken:
                taken[writer].append(record)
            else:
                taken[writer] = [record]
        for writer, records in taken.items():
            writer.write(records)

    def describe(self) -> Iterable[Metric]:
        """No metric of its own."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Nothing; but what is collected after it is up to date."""
        self.write()
        return []
