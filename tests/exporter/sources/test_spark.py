from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections
from recwatch_exporter.sources.engine import FileReader
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window

pytestmark = [
    pytest.mark.all,
    pytest.mark.timeout(900),
    # Spark's own Python warns of pandas 3, of what pyarrow has deprecated and of sockets: none of it is ours.
    pytest.mark.filterwarnings("ignore"),
]
URL = "pyspark://local[2]?spark.sql.shuffle.partitions=1"


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(timedelta(minutes=10))  # a Spark of one machine takes seconds for each query


def test_the_same_figures_as_duckdb(
    opened: Connections,
    events: pd.DataFrame,
    tmp_path: Path,
    same_as_duckdb: Callable[[Window], None],
) -> None:
    path = tmp_path / "spark.parquet"
    events.to_parquet(path, coerce_timestamps="us")
    engine = opened.database(URL, tmp_path)
    assert isinstance(engine, FileReader)
    rows = engine.read(str(path))
    view = View("current", str(path), engine, rows)

    same_as_duckdb(Window("current", view, opened.local))

    assert engine.query("SELECT 1 AS one").columns == ("one",)
    with pytest.raises(SourceError, match=r"^query does something else than read: write one SELECT$"):
        engine.query("DROP TABLE x")
    with pytest.raises(SourceError, match=r"^cannot be read: "):
        engine.read(str(tmp_path / "none.parquet"))
