"""What a prediction and its label cost in memory, joined, windowed, counted and judged."""

import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
from prometheus_client import CollectorRegistry

from benchmarks.timing import Figure, Row
from recwatch.quality import Classification, QualityMonitor, Window

WINDOW = 1_000
PAIRS = 50_000
# Half of them: the other half makes room for itself.
CAPACITY = 25_000
# A pandas window takes a hundred times as long: fewer pairs give its cost for each as well.
PANDAS_PAIRS = 1_000
LABELS_BEHIND = 500
ROUNDS = 5

_RNG = np.random.default_rng(0)
_IDS = [f"prediction-{number}" for number in range(PAIRS)]
_SCORES = _RNG.random(PAIRS).tolist()
_LABELS = _RNG.integers(0, 2, PAIRS).tolist()


def _alternate(
    pairs: int, predict: Callable[[str, float], object], label: Callable[[str, int], object]
) -> None:
    """Predictions one after another, each label half a thousand predictions later."""
    for number in range(pairs + LABELS_BEHIND):
        if number < pairs:
            predict(_IDS[number], _SCORES[number])
        if number >= LABELS_BEHIND:
            label(_IDS[number - LABELS_BEHIND], _LABELS[number - LABELS_BEHIND])


def _ours() -> None:
    registry = CollectorRegistry()
    with QualityMonitor(
        "bench",
        task=Classification(),
        window=Window(count=WINDOW),
        capacity=CAPACITY,
        strict=True,
        registry=registry,
    ) as monitor:
        _alternate(
            PAIRS,
            lambda key, score: monitor.record_prediction(key, score=score),
            monitor.record_feedback,
        )
        assert monitor.flush(60)
        assert monitor.status()["samples"] == WINDOW
    assert registry.get_sample_value("model_feedback_total", {"model": "bench"}) == PAIRS


class _PandasWindow:
    """What one would write in a notebook: a frame of predictions, to which labels are added."""

    def __init__(self) -> None:
        self._frame = pd.DataFrame(columns=["score", "label"], dtype=float)

    def predict(self, key: str, score: float) -> None:
        self._frame.loc[key] = [score, np.nan]
        if len(self._frame) > 2 * WINDOW:
            self._frame = self._frame.iloc[-WINDOW:].copy()

    def label(self, key: str, label: int) -> None:
        if key in self._frame.index:
            self._frame.loc[key, "label"] = label

    def accuracy(self) -> float:
        known = self._frame.dropna().tail(WINDOW)
        return float(((known["score"] >= 0.5) == (known["label"] > 0)).mean())


def _pandas() -> None:
    window = _PandasWindow()
    _alternate(PANDAS_PAIRS, window.predict, window.label)
    assert 0 < window.accuracy() < 1


def _seconds(work: Callable[[], None]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def run() -> list[Row | Figure]:
    """Pairs a second, and a pair beside one of a pandas window: in turn, after a round to warm up."""
    rounds = [(_seconds(_ours), _seconds(_pandas)) for _ in range(ROUNDS + 1)][1:]
    ours = statistics.median(seconds for seconds, _ in rounds)
    pandas = statistics.median(seconds for _, seconds in rounds)
    return [
        Figure("record_prediction + record_feedback in memory", PAIRS / ours, "pairs/s", target=100_000),
        Row(
            "record_prediction + record_feedback",
            ours / PAIRS * 1e6,
            pandas / PANDAS_PAIRS * 1e6,
            "a pandas window",
            unit="µs a pair",
        ),
    ]
