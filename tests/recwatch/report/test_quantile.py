import math
from collections.abc import Callable

import pytest

from recwatch.report.prometheus import Prometheus
from recwatch.report.quantile import quantile
from recwatch.report.sections.traffic import QUANTILES, latency
from recwatch.report.series import Answers

INF = math.inf


@pytest.mark.parametrize(
    ("share", "buckets", "found"),
    [
        (0.5, {1.0: 10, 2.0: 20, INF: 20}, 1.0),
        (0.75, {1.0: 10, 2.0: 20, INF: 20}, 1.5),
        (0.25, {1.0: 10, 2.0: 20, INF: 20}, 0.5),
        (0.99, {1.0: 10, INF: 20}, 1.0),
        (0.5, {-1.0: 10, INF: 10}, -1.0),
        (0.5, {1.0: 10, 2.0: 9, 4.0: 20, INF: 20}, 1.0),
        (0.0, {1.0: 0, 2.0: 20, INF: 20}, 1.0),
        (0.5, {1.0: 0, INF: 0}, None),
        (0.5, {1.0: 10}, None),
        (0.5, {INF: 10}, None),
        (0.5, {}, None),
    ],
)
def test_quantiles(share: float, buckets: dict[float, float], found: float | None) -> None:
    assert quantile(share, buckets) == found


def test_it_is_what_prometheus_says(day: str, end: float) -> None:
    prometheus = Prometheus(day)
    increase = "sum by (service, model, le) (increase(recommender_request_duration_seconds_bucket[1d]))"
    answers = Answers({"latency": prometheus.instant(increase, end)})
    for share in (*QUANTILES.values(), 0.0, 0.31, 1.0):
        asked = prometheus.instant(f"histogram_quantile({share}, {increase})", end)
        assert len(asked) == 3
        assert latency(answers, share) == pytest.approx(
            {(one.labels["service"], one.labels["model"]): one.values[0] for one in asked}
        )


def test_a_bound_that_is_no_number_is_left_out(answers: Callable[..., Answers]) -> None:
    given = answers({"latency": [({"le": "1"}, 4.0), ({"le": "+Inf"}, 4.0), ({"le": "much"}, 4.0)]})
    assert latency(given, 0.5) == {("", ""): 0.5}
