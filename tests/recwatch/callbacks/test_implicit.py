"""Real trainings of implicit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.cpu.lmf import LogisticMatrixFactorization
from prometheus_client import CollectorRegistry
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recwatch.callbacks import ImplicitCallback
from recwatch.training import start_run


@pytest.fixture
def matrix() -> Any:
    return sp.random(60, 40, density=0.2, format="csr", dtype=np.float32, rng=np.random.default_rng(0))


def fit(model: Any, matrix: Any, registry: CollectorRegistry, folder: Path, **options: Any) -> list[str]:
    """The log lines of the iterations."""
    run = start_run("model", registry=registry, log_dir=folder)
    with threadpool_limits(1, "blas"):
        model.fit(matrix, show_progress=False, callback=ImplicitCallback(run, model, **options))
    run.finish()
    lines = (folder / "model.log").read_text().splitlines()
    return [line.split(" | ", 2)[2] for line in lines if "Iteration" in line]


def test_als_with_its_loss(matrix: Any, registry: CollectorRegistry, tmp_path: Path) -> None:
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=4, iterations=3, calculate_training_loss=True, random_state=0)
    lines = fit(model, matrix, registry, tmp_path)
    assert [line.split("=")[0] for line in lines] == [f"Iteration {number}/3 | loss" for number in (1, 2, 3)]
    assert (registry.get_sample_value("training_loss", {"model": "model"}) or 0) > 0


def test_als_without_a_loss(matrix: Any, registry: CollectorRegistry, tmp_path: Path) -> None:
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=4, iterations=2, random_state=0)
    assert [line.split("=")[0] for line in fit(model, matrix, registry, tmp_path)] == [
        "Iteration 1/2 | time",
        "Iteration 2/2 | time",
    ]


def test_bpr_says_how_well_it_ranks_its_samples(
    matrix: Any, registry: CollectorRegistry, tmp_path: Path
) -> None:
    model = BayesianPersonalizedRanking(factors=4, iterations=20, random_state=0)
    lines = fit(model, matrix, registry, tmp_path, samples=matrix.nnz)
    assert len(lines) == 20
    fields = dict(pair.split("=") for pair in lines[-1].partition(" | ")[2].split(", "))
    assert int(fields["samples"]) == matrix.nnz
    assert 0.4 < float(fields["train_auc"]) <= 1
    assert "correct=" in fit(model, matrix, registry, tmp_path / "without")[0]


def test_logistic_factorization_tells_the_time(
    matrix: Any, registry: CollectorRegistry, tmp_path: Path
) -> None:
    model = LogisticMatrixFactorization(factors=4, iterations=2, random_state=0)
    assert [line.split("=")[0] for line in fit(model, matrix, registry, tmp_path)] == [
        "Iteration 1/2 | time",
        "Iteration 2/2 | time",
    ]


def test_odd_figures_never_reach_the_training(registry: CollectorRegistry) -> None:
    run = start_run("model", registry=registry)
    ImplicitCallback(run, BayesianPersonalizedRanking(iterations=3))(0, 0.1, float("nan"), 1.0)
    ImplicitCallback(run, None)(0, 0.1)  # type: ignore[arg-type]
    run.finish()
    labels = {"target": "training", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 2
