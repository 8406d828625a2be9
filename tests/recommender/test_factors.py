from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from recommender.errors import ModelError
from recommender.factors import FactorModel, Kind
from recommender.fitters import AlsFitter
from recommender.training_set import TrainingSet


def random_model(kind: Kind = "als", *, items: int = 12, factors: int = 4) -> FactorModel:
    generator = np.random.default_rng(3)
    item_factors = generator.normal(size=(items, factors)).astype(np.float32)
    user_factors = generator.normal(size=(3, factors)).astype(np.float32)
    return FactorModel(
        kind,
        np.array([5, 6, 9]),
        user_factors,
        np.arange(items) * 10,
        item_factors,
        regularization=0.1,
        alpha=2.0,
    )


def test_a_file_gives_back_the_model(tmp_path: Path) -> None:
    model = random_model()
    model.save(tmp_path / "model.npz")
    found = FactorModel.load(tmp_path / "model.npz")
    assert (found.kind, found.regularization, found.alpha) == ("als", 0.1, 2.0)
    for name in ("user_id", "user_factors", "item_id", "item_factors"):
        assert np.array_equal(getattr(found, name), getattr(model, name))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.npz cannot be used"):
        FactorModel.load(tmp_path / "model.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.npz cannot be used"):
        FactorModel.load(tmp_path / "model.npz")


def test_factors_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = random_model()
    model.item_factors[0, 0] = np.nan
    model.save(tmp_path / "model.npz")
    with pytest.raises(ModelError, match="not finite"):
        FactorModel.load(tmp_path / "model.npz")


def test_a_known_user_has_a_vector_and_a_stranger_none() -> None:
    model = random_model()
    vector = model.user_vector(6)
    assert vector is not None
    assert np.array_equal(vector, model.user_factors[1])
    assert model.user_vector(7) is None


def test_folding_in_solves_the_equation_of_als() -> None:
    """Against implicit's own solution for a user, on the same item factors."""
    rng = np.random.default_rng(0)
    stars = rng.integers(1, 6, size=(20, 15)) * (rng.random((20, 15)) < 0.4)
    data = TrainingSet(np.arange(20), np.arange(15), sparse.csr_matrix(stars.astype(np.float32)))
    fitter = AlsFitter(data, {"factors": 4, "regularization": 0.5, "alpha": 2.0}, seed=1)
    for _ in range(3):
        fitter.step()
    expected = fitter._library.recalculate_user(0, data.matrix[0])
    found = fitter.model().fold_in(data.matrix[0].indices.astype(np.int64), data.matrix[0].data)
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["als", "bpr"])
def test_a_user_folded_in_likes_what_he_rated(kind: Kind) -> None:
    generator = np.random.default_rng(5)
    items = np.concatenate([np.eye(2).repeat(6, axis=0), np.zeros((12, 1))], axis=1)
    items += generator.normal(scale=0.01, size=items.shape)
    model = FactorModel(
        kind, np.array([1]), np.ones((1, 3), np.float32), np.arange(12), items.astype(np.float32), 0.01
    )
    vector = model.fold_in(np.array([0, 1, 2]), np.array([5.0, 5.0, 5.0]))
    assert vector is not None
    scores = model.scores(vector)
    assert scores[3:6].min() > scores[6:].max()


def test_nobody_is_folded_in_by_items_that_the_model_does_not_know() -> None:
    assert random_model().fold_in(np.array([7, 8]), np.array([5.0, 4.0])) is None


def test_a_user_who_rated_everything_is_folded_in_too() -> None:
    model = random_model("bpr")
    vector = model.fold_in(model.item_id, np.full(12, 4.0))
    assert vector is not None
    assert np.isfinite(vector).all()
