"""What a training makes of the data: versions, what they are held against, their drift reference."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from recommender.data import read_all
from recommender.embeddings import TitleEmbeddings
from recommender.engine import MODEL_FILE
from recommender.errors import DataError, TrainingError
from recommender.factors import FactorModel
from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import read_interactions
from recommender.paths import Home
from recommender.training import REFERENCE_FILE, TITLES_FILE, Job, prepare, train
from recwatch.registry import ModelRegistry

Rows = Callable[[Home, str], list[dict[str, Any]]]


def test_the_drift_reference_is_the_newest_slice_of_what_was_known(home: Home) -> None:
    result = train(Job("als", home))
    folder = ModelRegistry(home.artifacts("als")).path(result.version)
    reference = read_interactions([folder / REFERENCE_FILE])
    everything = read_all(home)
    newest = everything.timestamp.max()
    expected = everything.timestamp >= newest - np.timedelta64(60, "D")
    assert len(reference) == expected.sum() > 100
    assert reference.timestamp.max() == newest
    manifest = ModelRegistry(home.artifacts("als")).manifest(result.version)
    assert manifest.newest_event == newest.item().replace(tzinfo=UTC)
    titles = TitleEmbeddings.read(folder / TITLES_FILE)
    assert titles.vectors.shape == (9066, 256)


def test_how_new_the_data_is_goes_by_when_it_arrived(home: Home) -> None:
    os.utime(home.history, (1_700_000_000, 1_700_000_000))
    imported = prepare(Job("als", home))
    assert imported.arrived == datetime.fromtimestamp(1_700_000_000, UTC)

    observed = datetime(2026, 11, 1, tzinfo=UTC)
    log = InteractionLog(home.interactions)
    log.append(Record(1, int(imported.ratings.item_id[0]), "rating", 4.5, imported.newest_event, observed))
    log.flush()
    assert prepare(Job("als", home)).arrived == observed


def test_a_retrained_model_is_compared_on_what_neither_has_seen(home: Home) -> None:
    first = train(Job("als", home))
    registry = ModelRegistry(home.artifacts("als"))
    registry.promote(first.version, reason="test")
    serving = FactorModel.load(registry.path(first.version) / MODEL_FILE)
    before = prepare(Job("als", home))

    log = InteractionLog(home.interactions)
    user = int(serving.user_id[0])
    unseen = np.setdiff1d(serving.item_id, before.ratings.item_id[before.ratings.user_id == user])[:40]
    for minute, item_id in enumerate([*unseen.tolist()]):
        at = datetime(2003, 5, 2, tzinfo=UTC) + timedelta(minutes=minute)
        log.append(Record(user, item_id, "rating", 4.5, at, datetime.now(UTC)))
        log.append(Record(9_999, item_id, "rating", 3.5, at, datetime.now(UTC)))
    log.flush()

    after = prepare(Job("als", home))
    second = train(Job("als", home))
    trained = set(zip(before.train.user_id.tolist(), before.train.item_id.tolist(), strict=True))
    held_out = set(zip(after.held_out.user_id.tolist(), after.held_out.item_id.tolist(), strict=True))
    assert not trained & held_out
    assert second.version != first.version
    assert registry.current() == first.version
    assert second.serving_metrics is not None
    # User 9,999 is new: the version in service does not know him, so he compares nothing.
    assert second.samples == 332 == len(second.pairs["ndcg@10"])
    ours = np.array(second.pairs["ndcg@10"]).mean(axis=0)
    assert ours.tolist() == pytest.approx([second.metrics["ndcg@10"], second.serving_metrics["ndcg@10"]])
    manifest = registry.manifest(second.version)
    assert manifest.newest_event is not None
    assert manifest.newest_event.date().isoformat() == "2003-05-02"


def test_als_and_bpr_are_better_than_popularity(home: Home) -> None:
    metrics = CollectorRegistry()
    for model in ("als", "bpr"):
        train(Job(model, home, registry=metrics))
        labels = {"model": model, "metric": "ndcg@10"}
        found = metrics.get_sample_value("training_metric", {**labels, "split": "test"})
        baseline = metrics.get_sample_value("training_baseline_metric", labels)
        assert found is not None
        assert baseline is not None
        assert found > 1.1 * baseline


def test_the_same_seed_and_data_give_the_same_model(home: Home) -> None:
    registry = ModelRegistry(home.artifacts("als"))
    models = [FactorModel.load(registry.path(train(Job("als", home)).version) / MODEL_FILE) for _ in range(2)]
    assert np.array_equal(models[0].item_factors, models[1].item_factors)


def test_until_and_window_bound_what_is_trained_on(home: Home) -> None:
    until = datetime(2000, 1, 1, tzinfo=UTC)
    data = prepare(Job("als", home, until=until, window=timedelta(days=365)))
    assert data.ratings.timestamp.max() < np.datetime64("2000-01-01")
    assert data.train.timestamp.min() >= np.datetime64("1999-01-01")
    assert data.known.timestamp.min() < np.datetime64("1999-01-01")
    whole = prepare(Job("als", home, until=until))
    assert np.array_equal(data.held_out.item_id, whole.held_out.item_id)
    assert np.array_equal(whole.train.item_id, whole.known.item_id)


def test_auto_select_prints_what_it_tried_and_keeps_the_best(home: Home) -> None:
    lines: list[str] = []
    result = train(Job("als", home, until=datetime(1997, 1, 1, tzinfo=UTC), auto_select=True), lines.append)
    assert len(lines) == 9
    assert lines[-1].startswith("selected factors=")
    values = [float(re.findall(r"ndcg@10=([\d.]+)", line)[0]) for line in lines]
    assert values[-1] == max(values[:-1])
    parameters = ModelRegistry(home.artifacts("als")).manifest(result.version).parameters
    assert f"regularization={parameters['regularization']:g}" in lines[-1]


def test_a_training_without_ratings_is_a_failed_run(home: Home, rows: Rows) -> None:
    metrics = CollectorRegistry()
    with pytest.raises(TrainingError, match="no rating before 1990"):
        train(Job("als", home, until=datetime(1990, 1, 1, tzinfo=UTC), registry=metrics))
    assert metrics.get_sample_value("training_runs_total", {"model": "als", "status": "failed"}) == 1
    assert [row["status"] for row in rows(home, "SELECT status FROM training_runs")] == ["failed"]
    assert ModelRegistry(home.artifacts("als")).versions() == []


def test_a_damaged_batch_stops_a_training_with_its_name(home: Home) -> None:
    home.interactions.mkdir(parents=True)
    (home.interactions / "bad.parquet").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"bad\.parquet"):
        train(Job("als", home))
