import pytest
from prometheus_client import CollectorRegistry, Metric

from recwatch.labelled import Labelled


class Sizes(Labelled[list[str]]):
    def _make_series(self, values: tuple[str, ...]) -> list[str]:
        return list(values)

    def collect(self) -> list[Metric]:
        return [self._family()]


def test_series_are_made_once_and_found_by_values_or_names(registry: CollectorRegistry) -> None:
    metric = Sizes("gauge", "size", "Size.", ["a", "b"], registry=registry)
    assert metric.labels("x", 1) is metric.labels(b="1", a="x")
    assert metric.labels("x", 1) == ["x", "1"]
    assert metric.labels("x", 2) is not metric.labels("x", 1)
    for values in (("x",), ("x", "y", "z")):
        with pytest.raises(ValueError, match="size has the labels a, b: give a value of each"):
            metric.labels(*values)
    with pytest.raises(ValueError, match="give a value of each"):
        metric.labels("x", b="y")
