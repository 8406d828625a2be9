from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.notebook import compare


def test_two_frames() -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame(
        {"score": rng.normal(size=400), "user_id": np.arange(400)}, index=np.arange(400) * 2
    )
    after = pd.DataFrame({"score": rng.normal(1, size=300), "user_id": np.arange(300) + 400})

    (finding,) = compare(before, after, type="ks", column="score", cluster="user_id").findings
    (same,) = compare(before, before, type="ks", column="score").findings

    assert finding.detected
    assert (finding.n_reference, finding.n_current) == (400, 300)
    assert same.statistic == 0.0


def test_a_frame_against_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"score": [1.0, 2.0, 3.0]})
    frame.to_parquet(tmp_path / "a.parquet")

    for reference in (tmp_path / "a.parquet", {"path": str(tmp_path / "a.parquet")}):
        (finding,) = compare(reference, frame, type="ks", column="score").findings
        assert finding.statistic == 0.0


def test_what_is_no_table() -> None:
    frame = pd.DataFrame({"score": [1.0, "x", {}]}, dtype=object)

    with pytest.raises(SourceError, match=r"^reference: cannot be read: the DataFrame: "):
        compare(frame, frame, type="ks", column="score")


def test_a_mistake_in_the_keys() -> None:
    frame = pd.DataFrame({"score": [1.0]})

    with pytest.raises(ValueError, match="type: give one of"):
        compare(frame, frame, type="kolmogorov", column="score")
