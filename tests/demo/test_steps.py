from typing import Any

import pytest

from recwatch_demo.apis import Apis
from recwatch_demo.steps import ALERT, CHECK, MODEL, Loop


class Answers(Apis):
    """What the parts would say."""

    def __init__(self, state: str | None, runs: int) -> None:
        labels = {"alertname": ALERT, "check": CHECK, "model": MODEL}
        self._held = [{"labels": labels, "state": state}] if state else []
        self._runs = [{"model": MODEL, "started_at": "2025-01-15", "created_at": str(n)} for n in range(runs)]

    def prometheus_alerts(self) -> list[Any]:
        return self._held

    def runs(self) -> list[Any]:
        return self._runs


@pytest.mark.parametrize(
    ("state", "runs", "said"),
    [
        (None, 1, "the alert has not come back; 1 retraining in all"),
        ("pending", 2, "the alert has not come back; 2 retrainings in all"),
        ("firing", 2, "the alert has come back; 2 retrainings in all"),
    ],
)
def test_the_end_says_whether_it_stayed_so(state: str | None, runs: int, said: str) -> None:
    assert Loop(Answers(state, runs), frozenset()).how_it_is() == said
