from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.training import TrainingRun


class Diverged(Exception):  # noqa: N818 - reads as what happened
    pass


@pytest.fixture
def train(registry: CollectorRegistry) -> Callable[..., TrainingRun]:
    """A whole training of three rounds; `fail` ends it with an error, which the run then has."""

    def run_it(model: str = "als", *, fail: bool = False, **options: Any) -> TrainingRun:
        parameters = {"factors": 64, "reg": 0.01, "alpha": 40}
        run = TrainingRun(model, **{"parameters": parameters, "registry": registry, **options})
        try:
            with run:
                for number, loss in enumerate((125.34, 98.12, 90.0), start=1):
                    run.iteration(number, 3, loss=loss, seconds=1.2)
                    run.validation({"recall@10": number / 10, "ndcg@10": number / 20})
                if fail:
                    raise Diverged("loss is NaN")  # noqa: TRY301 - as a training does
                run.early_stopping(2, {"ndcg@10": 0.1})
                run.evaluation(
                    {"recall@10": 0.234, "ndcg@10": 0.189, "coverage": 0.4}, baseline={"recall@10": 0.117}
                )
                run.saved(Path("artifacts/als/v1_20250115_103000"))
        except Diverged:
            assert fail
        return run

    return run_it


@pytest.fixture
def pushed(
    pushed_by: Callable[[str, str, str], dict[tuple[str, ...], float]],
) -> Callable[[str], dict[tuple[str, ...], float]]:
    """What the Pushgateway holds of a model: (name, other labels ...) to value."""
    return partial(pushed_by, "training", "model")
