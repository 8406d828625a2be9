"""Real trainings of scikit-surprise."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry
from surprise import NMF, SVD, CoClustering, Dataset, Reader, SVDpp, accuracy
from surprise.model_selection import cross_validate

from recwatch.callbacks import fit_surprise
from recwatch.store import open_store
from recwatch.training import start_run


@pytest.fixture
def ratings() -> Any:
    rng = np.random.default_rng(0)
    pairs = np.argwhere(rng.random((40, 30)) < 0.4)
    frame = pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=rng.integers(1, 6, len(pairs)))
    return Dataset.load_from_df(frame, Reader(rating_scale=(1, 5)))


@pytest.mark.parametrize(("algorithm", "epochs"), [(SVD, 4), (SVDpp, 4), (NMF, 4), (CoClustering, 0)])
def test_epochs(
    algorithm: Any, epochs: int, ratings: Any, registry: CollectorRegistry, store_url: str
) -> None:
    trainset = ratings.build_full_trainset()
    run = start_run("model", store_url=store_url, registry=registry)
    fitted = fit_surprise(run, algorithm(n_epochs=4, random_state=0), trainset)
    run.finish()
    assert fitted.trainset is trainset
    with open_store(store_url) as store:
        rows = store.iterations(run.run_id)
    assert [row["iteration"] for row in rows] == list(range(1, epochs + 1))
    assert all(row["loss"] is None and row["wall_time_seconds"] > 0 for row in rows)


def test_the_model_is_what_it_would_be_unwatched(ratings: Any, registry: CollectorRegistry) -> None:
    trainset = ratings.build_full_trainset()
    run = start_run("svd", registry=registry)
    watched = fit_surprise(run, SVD(n_epochs=3, random_state=0), trainset)
    bare = SVD(n_epochs=3, random_state=0).fit(trainset)
    run.evaluation({"rmse": accuracy.rmse(watched.test(trainset.build_testset()), verbose=False)})
    run.finish()
    np.testing.assert_array_equal(watched.qi, bare.qi)


def test_a_training_that_fails_keeps_its_trainset(ratings: Any, registry: CollectorRegistry) -> None:
    trainset = ratings.build_full_trainset()
    algorithm = SVD(n_factors="many")
    with start_run("svd", registry=registry) as run, pytest.raises((TypeError, ValueError)):
        fit_surprise(run, algorithm, trainset)
    assert algorithm.trainset is trainset


def test_cross_validate(ratings: Any, registry: CollectorRegistry, store_url: str) -> None:
    result = cross_validate(SVD(n_epochs=2, random_state=0), ratings, measures=["RMSE", "MAE"], cv=4)
    run = start_run("svd", store_url=store_url, registry=registry)
    run.cross_validation(result)
    run.finish()
    with open_store(store_url) as store:
        kept = json.loads(store.runs()[0]["extra_metrics"])["cross_validation"]
    assert (kept["folds"], set(kept)) == (4, {"folds", "rmse", "mae"})
    assert kept["rmse"] == {
        "mean": pytest.approx(result["test_rmse"].mean()),
        "std": pytest.approx(result["test_rmse"].std()),
    }
