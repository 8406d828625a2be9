import pytest

from recwatch.training.figures import CrossValidation
from recwatch.training.lines import (
    cross_validation_line,
    early_stopping_line,
    iteration_line,
    metrics_line,
    number,
    unit_of,
)


def test_the_lines_of_als() -> None:
    line = iteration_line("iteration", 1, 15, loss=125.34, seconds=1.2, details={})
    assert line == "Iteration 1/15 | loss=125.34, time=1.2s"
    assert metrics_line("Evaluation", {"recall@10": 0.234, "ndcg@10": 0.189}) == (
        "Evaluation | recall@10=0.234, ndcg@10=0.189"
    )
    assert early_stopping_line("iteration", 7, {}) == "Early stopping | best_iteration=7"


def test_the_lines_of_bpr() -> None:
    line = iteration_line("epoch", 1, 50, loss=0.523, seconds=28.5, details={"samples": 1600000, "lr": 0.05})
    assert line == "Epoch 1/50 | avg_loss=0.523, samples=1600000, lr=0.05, time=28.5s"
    assert early_stopping_line("epoch", 35, {"ndcg@10": 0.192}) == (
        "Early stopping | best_epoch=35, best_ndcg@10=0.192"
    )


def test_a_round_may_be_short_and_without_a_loss() -> None:
    assert (
        iteration_line("iteration", 2, 15, loss=None, seconds=0.0123, details={})
        == "Iteration 2/15 | time=0.012s"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (125.34321, "125.34"),
        (98.12, "98.12"),
        (0.5231234, "0.52312"),
        (0.0, "0"),
        (1234567.891, "1234567.89"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_a_round_of_an_unknown_number() -> None:
    line = iteration_line("epoch", 2, None, loss=None, seconds=3.0, details={})
    assert line == "Epoch 2 | time=3.0s"


def test_folds() -> None:
    result = CrossValidation(4, {"rmse": 0.9123, "ndcg@10": 0.0521}, {"rmse": 0.0041, "ndcg@10": 0.00123})
    assert cross_validation_line(result) == (
        "Cross-validation | folds=4, rmse=0.912 ± 0.004, ndcg@10=0.0521 ± 0.00123"
    )


@pytest.mark.parametrize(
    ("parameters", "unit"),
    [
        ({}, "iteration"),
        ({"iterations": 15}, "iteration"),
        ({"epochs": 5}, "epoch"),
        ({"n_epochs": 5}, "epoch"),
    ],
)
def test_the_hyper_parameters_tell_what_a_round_is_called(parameters: dict[str, object], unit: str) -> None:
    assert unit_of(parameters) == unit
