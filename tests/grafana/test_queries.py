import pytest

from recwatch_dashboards import queries


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('up{model=~"$model"}', 'up{model=~".*"}'),
        ('up{model=~"${model:regex}"}', 'up{model=~".*"}'),
        ("rate(x[$__rate_interval])", "rate(x[5m])"),
        ("rate(x[${__interval}])", "rate(x[1m])"),
        ("up", "up"),
    ],
)
def test_variables_become_what_all_of_them_would_be(expr: str, expected: str) -> None:
    assert queries.without_variables(expr) == expected


def test_what_is_chosen_is_asked_for() -> None:
    asked = queries.without_variables('up{model=~"$model", x="$check"}[$__range]', {"model": "als"})

    assert asked == 'up{model=~"als", x=".*"}[1h]'


def test_a_threshold_is_that_of_all_models_and_that_of_each() -> None:
    query = queries.threshold("RecommenderLatencyHigh")

    assert query.expr == (
        '(alert:threshold:used{alert="RecommenderLatencyHigh"}'
        ' or alert_model:threshold:used{alert="RecommenderLatencyHigh", model=~"$model"})'
    )
    assert query.legend == "threshold {{model}}"
