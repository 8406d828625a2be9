from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from sklearn.neural_network import MLPRegressor

from recwatch.callbacks import EpochCallback
from recwatch.store import open_store
from recwatch.training import start_run


def test_a_loop_of_one_s_own(registry: CollectorRegistry, store_url: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 3))
    target = features.sum(axis=1)
    model = MLPRegressor(hidden_layer_sizes=(8,), random_state=0)
    run = start_run("mlp", parameters={"epochs": 5}, store_url=store_url, log_dir=tmp_path, registry=registry)
    watch = EpochCallback(run, 5)
    error = 0.0
    for epoch in range(5):
        model.partial_fit(features[:48], target[:48])
        error = float(np.mean((model.predict(features[48:]) - target[48:]) ** 2))
        watch(epoch, {"loss": model.loss_, "val_mse": error, "lr": 0.001})
    run.finish()
    with open_store(store_url) as store:
        rows = store.iterations(run.run_id)
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[-1]["loss"] == pytest.approx(model.loss_)
    labels = {"model": "mlp", "metric": "mse", "split": "validation"}
    assert registry.get_sample_value("training_metric", labels) == pytest.approx(error)
    text = (tmp_path / "mlp.log").read_text()
    assert "Epoch 5/5 | avg_loss=" in text
    assert "lr=0.001" in text


def test_epochs_may_count_from_one_and_say_little(registry: CollectorRegistry, tmp_path: Path) -> None:
    run = start_run("mlp", log_dir=tmp_path, registry=registry, unit="epoch")
    watch = EpochCallback(run, first=1)
    watch(1)
    watch(2, {"train_loss": 0.5, "loss": 0.4, "total": 7, "valid_auc": 0.8})
    run.finish()
    text = (tmp_path / "mlp.log").read_text()
    assert "Epoch 1 | time=" in text
    assert "Epoch 2 | avg_loss=0.5, loss_=0.4, total_=7, time=" in text
    assert "Validation | auc=0.8" in text


def test_odd_arguments_never_reach_the_training(registry: CollectorRegistry, tmp_path: Path) -> None:
    run = start_run("mlp", log_dir=tmp_path, registry=registry, unit="epoch")
    watch = EpochCallback(run, 3)
    watch("1", {"loss": 0.5})  # type: ignore[arg-type]
    watch(0, {1: 2})  # type: ignore[dict-item]
    for epoch, logs in (("first", {}), (0, [1])):
        watch(epoch, logs)  # type: ignore[arg-type]
    run.finish()
    text = (tmp_path / "mlp.log").read_text()
    assert "Epoch 2/3 | avg_loss=0.5, time=" in text
    assert "Epoch 1/3 | 1=2, time=" in text
    labels = {"target": "training", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 2
