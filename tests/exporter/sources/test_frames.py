import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.notebook import compare
from recwatch_exporter.sources.frames import Frame, is_frame

ADVICE = (
    ": leave it out, or make it one of numbers, texts or times, such as by .astype(float) or .astype(str)"
)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"y": [1], "x": [2**70]}),
            f"column x: Python int too large to convert to C long{ADVICE}",
        ),
        (
            pd.DataFrame({"x": pd.Series([1, "a"], dtype=object)}),
            f"column x: Could not convert 'a' with type str: tried to convert to int64{ADVICE}",
        ),
        (pd.DataFrame({"x": np.ones(2, dtype=complex)}), f"column x: Unsupported numpy type 15{ADVICE}"),
        (
            pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]),
            "more than one column x: rename all but one, or leave them out",
        ),
        (pd.DataFrame(), "no columns: give one with the columns of the check"),
    ],
)
def test_what_is_no_table_says_what_to_do(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        compare(frame, frame, type="psi", column="x")

    assert str(caught.value) == f"reference: cannot be read: the DataFrame: {message}"


@pytest.mark.parametrize(
    "values",
    [
        np.arange(60, dtype="float16"),
        pd.array([1, None] * 30, dtype="Int64"),
        [decimal.Decimal("1.5"), decimal.Decimal(2)] * 30,
        np.arange(60, dtype="uint64") + np.uint64(2**63),
        pd.Categorical([1, 2] * 30),
        pd.arrays.SparseArray([1.0, 0.0] * 30),
        [True, False] * 30,
        list("ab") * 30,
        [None, "a"] * 30,
    ],
)
def test_columns_of_many_types(values: Any) -> None:
    frame = pd.DataFrame({"x": values})

    (finding,) = compare(frame, frame, type="psi", column="x").findings

    assert finding.statistic == 0.0


def test_the_same_table_as_arrow_makes() -> None:
    times = pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin")
    frame = pd.DataFrame(
        {"x": [1.0, np.nan, 2], "at": times, 3: list("abc"), "v": [[1.0], [2.0], None]}, index=[4, 5, 6]
    )

    found = Frame(frame).to_table()

    assert found.column_names == ["x", "at", "3", "v"]
    assert found.equals(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata())
    assert found.column("x").null_count == 1


def test_what_a_frame_is() -> None:
    assert is_frame(pd.DataFrame())
    assert not is_frame(pd.Series([1.0]))
