import pytest

from recwatch.better import Better, better
from recwatch.quality import Classification, Ranking, Regression, Suggestions, Task


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("recall@10", 1),
        ("NDCG@20", 1),
        ("coverage", 1),
        ("rmse", -1),
        ("MAE", -1),
        ("final loss", -1),
        ("val_logloss", -1),
        ("cross_validation.mean.rmse", -1),
        ("cross_validation.std.rmse", 0),
        ("cross_validation.folds", 0),
        ("baseline.recall@10", 0),
        ("training seconds", 0),
        ("something new", 0),
        ("hit_rate@10", 1),
        ("within_tolerance", 1),
        ("bias", 0),
        ("", 0),
    ],
)
def test_the_better_direction_is_in_the_name(name: str, sign: int) -> None:
    assert better(name).sign == sign


def test_every_task_says_of_its_metrics_what_their_names_say() -> None:
    tasks: list[Task] = [
        Classification(),
        Ranking(catalogue=10, popularity={1: 0.5}),
        Regression(tolerance=1.0),
        Suggestions(),
    ]
    found = {name: direction for task in tasks for name, direction in task.metrics.items()}
    assert {name for name in found if found[name] is not Better.HIGHER} == {
        *("mae", "rmse"),
        *("predicted_mean", "actual_mean", "bias"),
    }
    assert {name for name in found if found[name] is Better.LOWER} == {"mae", "rmse"}
