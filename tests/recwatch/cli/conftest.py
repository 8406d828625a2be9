"""A store with runs and a folder with models, always the same: docs/cli.md shows them."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recwatch.cli.main import main
from recwatch.registry import Manifest, ModelRegistry
from recwatch.store import Store, open_store

AT = datetime(2025, 1, 20, 3, 15, tzinfo=UTC)
Command = Callable[..., "Answer"]


@dataclass(frozen=True)
class Answer:
    """What the command said, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty RECWATCH_HOME that is the working directory as well."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("RECWATCH_HOME", "RECWATCH_STORE", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def recwatch(home: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in `home`."""

    def run(*argv: str, **environment: str) -> Answer:
        try:
            code = main(argv, environment={"RECWATCH_HOME": str(home)} | environment)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture
def runs(home: Path) -> Path:
    """The file of a store with four runs: two completed, one failed, one lost."""
    file = home / "data" / "store.db"
    with open_store(f"sqlite:///{file}") as store:
        _save(store, "als_20250118_031500_5d0c1e", days=2, factors=64, ndcg=0.189, best=9)
        _save(store, "als_20250119_031500_a41f77", days=1, factors=128, ndcg=0.197, best=None)
        row = _row("bpr_20250120_031500_c0ffee", "bpr", AT) | {
            "status": "failed",
            "hyperparameters": '{"factors": 64, "epochs": 20}',
            "error": "FloatingPointError: the loss is not finite",
            "completed_at": AT + timedelta(seconds=12),
            "training_time_seconds": 12.0,
        }
        store.save_run(row, [_iteration(number, 0.69 - 0.02 * number, None) for number in (1, 2, 3)])
        started = AT + timedelta(hours=1)
        lost = {"status": "running", "heartbeat_at": started + timedelta(minutes=4)}
        store.save_run(_row("als_20250120_041500_77ab90", "als", started) | lost)
    return file


@pytest.fixture
def models(home: Path) -> ModelRegistry:
    """Four versions of als; the third is in service, the second was before."""
    times = iter(AT - timedelta(days=days) for days in (11, 7, 3))
    registry = ModelRegistry(home / "artifacts" / "als", clock=lambda: next(times))
    for number in (1, 2, 3, 4):
        trained = AT - timedelta(days=16 - 4 * number)
        version = f"v{number}_{trained:%Y%m%d_%H%M%S}"
        with registry.publish(version) as folder:
            Manifest(
                model="als",
                version=version,
                trained_at=trained,
                data_version=f"until {trained:%Y-%m-%d}",
                parameters={"factors": 64},
                metrics={"ndcg@10": 0.170 + number / 100, "recall@10": 0.21 + number / 100},
                git_commit="07d2e6b",
            ).write(folder)
        os.utime(registry.path(version), (trained.timestamp(), trained.timestamp()))
        if number < 4:
            registry.promote(version, reason=("first", "drift of ratings", "drift of popularity")[number - 1])
    return registry


def _save(store: Store, run_id: str, *, days: int, factors: int, ndcg: float, best: int | None) -> None:
    started = AT - timedelta(days=days)
    row = _row(run_id, "als", started) | {
        "status": "completed",
        "completed_at": started + timedelta(seconds=95),
        "training_time_seconds": 60.0 + factors / 4,
        "hyperparameters": f'{{"factors": {factors}, "regularization": 0.01, "iterations": 15}}',
        "recall_at_10": ndcg + 0.045,
        "ndcg_at_10": ndcg,
        "coverage": 0.41,
        "rmse": 1.05 - ndcg,
        "baseline_recall_at_10": 0.18,
        "improvement_pct": (ndcg + 0.045 - 0.18) / 0.18 * 100,
        "extra_metrics": f'{{"cross_validation": {{"folds": 5, "mean": {{"rmse": {1.06 - ndcg:.4f}}}}}}}',
        "data_version": f"until {started:%Y-%m-%d}",
        "git_commit": "07d2e6b",
        "artifacts_path": f"artifacts/als/v3_{started:%Y%m%d_%H%M%S}",
        "best_iteration": best,
    }
    last = 15 if best is None else best + 3
    iterations = [
        _iteration(
            number,
            120 * math.exp(-number / 3) + 30,
            ndcg * (1 - math.exp(-number / 2)) - (max(0, number - (best or 99)) * 0.002),
        )
        for number in range(1, last + 1)
    ]
    store.save_run(row, iterations)


def _row(run_id: str, model: str, started: datetime) -> dict[str, Any]:
    return {"run_id": run_id, "model_type": model, "started_at": started}


def _iteration(number: int, loss: float, ndcg: float | None) -> dict[str, Any]:
    return {
        "iteration": number,
        "timestamp": AT,
        "loss": loss,
        "validation_ndcg": ndcg,
        "wall_time_seconds": 4 + number % 3 / 10,
    }
