import math

from recwatch.cli.comparison import Figure, compare_figures, differing


def test_figures_are_put_side_by_side() -> None:
    a = {"rmse": 0.5, "recall@10": 0.2, "coverage": 0.4, "only a": 1.0, "other": 0.0}
    b = {"rmse": 0.75, "recall@10": 0.25, "coverage": 0.4, "other": 2.0, "only b": None}
    rmse, recall, coverage, only_a, other, only_b = compare_figures(a, b)
    assert rmse == Figure("rmse", 0.5, 0.75, 0.25, 50.0, "A")
    assert (recall.better, coverage.better) == ("B", "equal")
    assert only_a == Figure("only a", 1.0, None, None, None, None)
    assert other == Figure("other", 0.0, 2.0, 2.0, None, None)
    assert (only_b.a, only_b.b) == (None, None)


def test_of_two_negative_losses_the_lower_is_better() -> None:
    [loss] = compare_figures({"loss": -2.0}, {"loss": -3.0})
    assert (loss.difference, loss.percent, loss.better) == (-1.0, -50.0, "B")


def test_what_is_not_finite_is_missing() -> None:
    [rmse] = compare_figures({"rmse": math.nan}, {"rmse": 1.0})
    assert (rmse.a, rmse.difference, rmse.better) == (None, None, None)


def test_only_what_differs_is_named() -> None:
    assert differing({"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3, "d": 4}) == {
        "b": (2, 3),
        "c": (None, None),
        "d": (None, 4),
    }
