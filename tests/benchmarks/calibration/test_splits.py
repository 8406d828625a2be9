"""What calibration measures is what the exporter says of the same windows in files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.calibration.memory import Table
from benchmarks.calibration.nulls import NULLS
from benchmarks.calibration.splits import generator, make_check, p_value
from benchmarks.calibration.subjects import subject_of
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.run import run_check

CASES = [
    ("ks", "independent"),
    ("ks", "blocks"),
    ("psi", "users"),
    ("chi2", "independent"),
    ("spearman", "blocks"),
    ("missing", "blocks"),
    ("row_count", "blocks"),
]


def write(path: Path, columns: Table) -> str:
    pq.write_table(pa.table({name: column.values for name, column in columns.items()}), path)
    return str(path)


@pytest.mark.parametrize(("name", "null"), CASES)
def test_p_values_are_the_exporters_own(name: str, null: str, tmp_path: Path) -> None:
    kind, data = TYPES[name], NULLS[null]
    subject = subject_of(kind)
    windows = subject.draw(data, generator(null, 1))
    keys = {**subject.keys, **(data.keys if kind.clusters else {})}
    for side, columns in zip(("reference", "current"), windows, strict=True):
        keys[side] = {**keys.get(side, {}), "path": write(tmp_path / f"{side}.parquet", columns)}
    check = make_check(kind, keys, permutations=99)

    found = run_check(check, now=datetime(2024, 6, 1, tzinfo=UTC), deadline=Deadline(timedelta(minutes=1)))

    assert found.findings[0].p_value == pytest.approx(p_value(check, windows), rel=1e-9)
