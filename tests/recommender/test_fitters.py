import numpy as np
import pytest
from scipy import sparse

from recommender.fitters import FITTERS, bpr_loss, sample_triples
from recommender.fitting import DEFAULTS
from recommender.training_set import TrainingSet


@pytest.fixture
def data() -> TrainingSet:
    """Two camps of users who rate the films of their own camp."""
    matrix = np.zeros((40, 30), dtype=np.float32)
    generator = np.random.default_rng(0)
    matrix[:20, :15] = generator.random((20, 15)) < 0.5
    matrix[20:, 15:] = generator.random((20, 15)) < 0.5
    return TrainingSet(np.arange(40), np.arange(30), sparse.csr_matrix(matrix * 4))


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_the_loss_falls(name: str, data: TrainingSet) -> None:
    fitter = FITTERS[name](data, {**DEFAULTS[name], "factors": 4, "regularization": 0.01}, seed=0)
    losses = [fitter.step() for _ in range(20)]
    assert losses[-1] < losses[0]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_the_same_seed_gives_the_same_model(name: str, data: TrainingSet) -> None:
    def train(seed: int) -> np.ndarray:
        fitter = FITTERS[name](data, DEFAULTS[name], seed=seed)
        for _ in range(3):
            fitter.step()
        return fitter.model().item_factors

    assert np.array_equal(train(0), train(0))
    assert not np.array_equal(train(0), train(1))


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_a_model_taken_out_does_not_change_with_the_next_step(name: str, data: TrainingSet) -> None:
    fitter = FITTERS[name](data, DEFAULTS[name], seed=0)
    fitter.step()
    model = fitter.model()
    kept = model.item_factors.copy()
    fitter.step()
    assert np.array_equal(model.item_factors, kept)


def test_triples_hold_a_rated_and_an_unrated_item(data: TrainingSet) -> None:
    triples = sample_triples(data.matrix, 500, np.random.default_rng(0))
    dense = data.matrix.toarray()
    assert len(triples) > 250
    assert (dense[triples[:, 0], triples[:, 1]] > 0).all()
    assert (dense[triples[:, 0], triples[:, 2]] == 0).all()


def test_the_loss_of_a_model_that_knows_nothing_is_ln_2() -> None:
    zeros = np.zeros((3, 2), dtype=np.float32)
    assert bpr_loss(zeros, zeros, np.array([[0, 1, 2]])) == pytest.approx(np.log(2), abs=1e-12)


def test_the_loss_of_a_known_margin() -> None:
    users = np.array([[1.0, 0.0]], dtype=np.float32)
    items = np.array([[3.0, 0.0], [1.0, 5.0]], dtype=np.float32)
    expected = np.log1p(np.exp(-2.0))
    assert bpr_loss(users, items, np.array([[0, 0, 1]])) == pytest.approx(expected, abs=1e-12)
