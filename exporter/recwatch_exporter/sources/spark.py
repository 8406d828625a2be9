"""Spark, by Ibis: for data that outgrows one machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from pyspark.sql import SparkSession

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.ibis_engine import IbisEngine, to_batch

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


class SparkEngine(IbisEngine):
    """A Spark session.

    Args:
        url: `pyspark://local[2]`, `pyspark://yarn` or `pyspark://host:7077`; Spark's settings as parameters.
        deadline: see `IbisEngine`.
    """

    def __init__(self, url: str, deadline: Deadline) -> None:
        place, _, query = url.partition("://")[2].partition(
            "?"
        )  # urlsplit takes local[2] for an IPv6 address
        builder = SparkSession.builder.appName("recwatch-exporter").master(_master(place.rstrip("/")))
        for name, value in {**_SETTINGS, **dict(parse_qsl(query))}.items():
            builder = builder.config(name, value)
        self._session = builder.getOrCreate()
        super().__init__(ibis.pyspark.connect(self._session), deadline)

    def read(self, path: str) -> ir.Table:
        """A table of files that Spark reads: a file, a folder or a glob of Parquet, CSV or JSON lines."""
        ending = Path(path.rstrip("/*")).suffix.lower()
        with self.errors():
            if ending in (".csv", ".tsv"):
                return self.backend.read_csv(path, header=True, inferSchema=True)
            if ending in (".json", ".jsonl", ".ndjson"):
                return self.backend.read_json(path)
            return self.backend.read_parquet(path)

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression."""
        with self.errors():
            return self._run(expression).toArrow()

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, at most `rows` at a time; a partition is in memory."""
        schema = expression.schema()
        held = list[Any]()
        with self.errors():
            for row in self._run(expression).toLocalIterator():
                held.append(row)
                if len(held) == rows:
                    yield to_batch(held, schema)
                    held = []
                    self._deadline.check()
            if held:
                yield to_batch(held, schema)

    def interrupt(self) -> None:
        """End every job of this program, from another thread."""
        self._session.sparkContext.cancelAllJobs()

    def close(self) -> None:
        """Leave the session as it is: there is one in a process, and the next check uses it again."""

    def _run(self, expression: ir.Table) -> Any:
        return self._session.sql(self.backend.compile(expression))


def _master(place: str) -> str:
    if not place:
        raise SourceError("pyspark:// names no cluster: write pyspark://local[2], or pyspark://host:7077")
    return place if place.startswith("local") or ":" not in place else f"spark://{place}"
