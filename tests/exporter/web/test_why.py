from collections.abc import Callable
from typing import Any

import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.results import Finding
from recwatch_exporter.web.why import why

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]


@pytest.mark.parametrize(
    ("type_", "keys", "sentence"),
    [
        (
            "ks",
            {"effect_size": 0.2, "p_value": 0.006},
            "0.2 reaches the threshold 0.1, and chance hardly explains it: p = 0.006, alpha 0.05.",
        ),
        (
            "ks",
            {"effect_size": 0.2, "p_value": 0.3},
            "0.2 reaches the threshold 0.1, but chance alone may explain it: p = 0.3, alpha 0.05.",
        ),
        (
            "ks",
            {"effect_size": 0.02, "p_value": 0.001},
            "0.02 is below the threshold 0.1, though chance hardly explains it: p = 0.001, alpha 0.05.",
        ),
        (
            "ks",
            {"effect_size": 0.2, "p_value": None},
            "0.2 reaches the threshold 0.1, but there is no p-value, so it is not taken for drift.",
        ),
        ("embedding", {"effect_size": 0.9}, "0.9 is below the threshold 0.95."),
        ("embedding", {"effect_size": 0.99}, "0.99 is not below the threshold 0.95."),
        ("ks", {"effect_size": None}, "The statistic is not defined on these rows."),
        ("ks", {"error": "no column: name one"}, "no column: name one"),
        (
            "ks",
            {"enough_rows": False, "n_current": 12},
            "12 of the 50 rows that are needed, so nothing can be told.",
        ),
        (
            "ks",
            {"enough_rows": False},
            "Fewer than the 50 rows that are needed can be compared, so nothing can be told.",
        ),
    ],
)
def test_the_sentence_holds_what_decides(
    type_: str, keys: dict[str, Any], sentence: str, check: MakeCheck, finding: MakeFinding
) -> None:
    made = check(type_=type_)
    told = why(made, finding(made, **keys)).replace("\N{NO-BREAK SPACE}", " ")
    assert told.removeprefix("The effect size ") == sentence


def test_no_rows_at_all(check: MakeCheck, finding: MakeFinding) -> None:
    made = check(type="ks")
    details = {"no_rows": ["current: no file matches x*.csv"]}

    assert why(made, finding(made, enough_rows=False, n_current=0, details=details)) == (
        "No rows, so nothing can be told: current: no file matches x*.csv."
    )
