import json
from pathlib import Path

import pytest

from recwatch_bridge.errors import ResultError
from recwatch_bridge.retraining.result import read_result

GOOD = {"version": "v3_20261121_031500", "metrics": {"ndcg@10": 0.2}, "serving_metrics": None, "samples": 400}


def write(folder: Path, document: object) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_reads_what_a_trainer_writes(tmp_path: Path) -> None:
    result = read_result(write(tmp_path, {**GOOD, "pairs": {"ndcg@10": [[0.1, 0.2]]}, "later": 1}))
    assert (result.version, result.samples, result.serving_metrics) == (GOOD["version"], 400, None)
    assert result.pairs == {"ndcg@10": [(0.1, 0.2)]}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({**GOOD, "version": "../../etc"}, "version: String should match pattern"),
        ({**GOOD, "samples": -1}, "samples: Input should be greater than or equal to 0"),
        ({**GOOD, "metrics": {"ndcg@10": "good"}}, "metrics.ndcg@10: Input should be a valid number"),
        ({**GOOD, "pairs": {"ndcg@10": [[0.1]]}}, "pairs.ndcg@10.0.1: Field required"),
        ([], "file: Input should be an object"),
    ],
)
def test_refuses_what_is_no_result(tmp_path: Path, document: object, reason: str) -> None:
    with pytest.raises(ResultError, match=f"^the result file cannot be used: {reason}"):
        read_result(write(tmp_path, document))


def test_says_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"write JSON to \$RECWATCH_RESULT"):
        read_result(tmp_path / "result.json")
