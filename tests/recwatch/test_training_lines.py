import pytest

from recwatch.training_lines import (
    as_columns,
    early_stopping_line,
    iteration_line,
    metrics_line,
    number,
    pick,
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


def test_columns_hold_the_known_metrics_and_the_improvement() -> None:
    columns = as_columns(
        {"recall@10": 0.15, "rmse": 0.9, "coverage": 0.4}, {"recall@10": 0.1, "ndcg@10": 0.2}
    )
    assert columns == {
        "recall_at_10": 0.15,
        "coverage": 0.4,
        "baseline_recall_at_10": 0.1,
        "improvement_pct": pytest.approx(50.0),
    }


def test_over_a_baseline_of_nothing_there_is_no_improvement() -> None:
    assert "improvement_pct" not in as_columns({"recall@10": 0.1}, {"recall@10": 0.0})
    assert as_columns({}, {}) == {}


def test_of_several_cut_offs_ten_is_picked() -> None:
    assert pick({"recall@20": 0.3, "recall@10": 0.2}, "recall") == 0.2
    assert pick({"recall@20": 0.3}, "recall") == 0.3
    assert pick({"recall@20": 0.3}, "ndcg") is None
