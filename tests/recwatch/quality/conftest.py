from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.quality import Classification, Window
from recwatch.quality.counting import Counts
from recwatch.quality.join import Rules
from recwatch.quality.journal import Settings

START = 1_800_000_000.0


@dataclass
class Clock:
    """A clock that goes as a test says."""

    now: float = START

    def __call__(self) -> float:
        return self.now


MakeSettings = Callable[..., Settings]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_settings(registry: CollectorRegistry, clock: Clock) -> MakeSettings:
    """Settings of a journal: `make_settings(window=..., expiry=..., ...)`."""

    def make(
        *,
        model: str = "reviews",
        expiry: float = 100.0,
        patience: float = 50.0,
        grace: float = 0.0,
        **values: Any,
    ) -> Settings:
        usual: dict[str, Any] = {
            "task": Classification(),
            "window": Window(count=100),
            "experiment": None,
            "capacity": 1_000,
            "retention": 10 * expiry,
            "counts": Counts(model, registry),
            "clock": clock,
        }
        chosen = {**usual, **values}
        reopens = chosen["task"].unlabelled is None
        return Settings(model=model, rules=Rules(expiry, patience, grace, reopens), **chosen)

    return make


@pytest.fixture
def counted(registry: CollectorRegistry) -> Callable[..., dict[str, float]]:
    """What the counters of a model say."""

    def read(model: str = "reviews") -> dict[str, float]:
        def value(name: str, **labels: str) -> float:
            return registry.get_sample_value(name, {"model": model, **labels}) or 0.0

        return {
            "prediction": value("model_predictions_total"),
            "feedback": value("model_feedback_total"),
            "unlabelled": value("model_predictions_expired_total"),
            **{
                reason: value("model_feedback_unmatched_total", reason=reason)
                for reason in ("duplicate", "expired", "unknown")
            },
        }

    return read


@pytest.fixture
def dropped(registry: CollectorRegistry) -> Callable[[str], float]:
    """How many writes were dropped for a reason."""

    def read(reason: str) -> float:
        labels = {"target": "quality", "reason": reason}
        return registry.get_sample_value("recwatch_dropped_writes_total", labels) or 0.0

    return read
