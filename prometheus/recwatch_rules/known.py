"""What is known of metrics: their types, their labels, and how often they get a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import promql_parser

OF_TARGETS = frozenset({"service", "job", "instance"})
"""Labels that Prometheus adds to what it scrapes."""
RECORDED = "recorded"
"""The type of what a rule records; its table has no column for it."""
_CELLS_WITH_TYPE = 6
_PARTS = ("_bucket", "_sum", "_count")
_COUNTS = ("_total", *_PARTS)


@dataclass(frozen=True)
class Metric:
    """A row of docs/metrics.md: `counter`, `gauge`, `histogram` or `recorded`, and the labels."""

    type: str
    labels: frozenset[str]


@dataclass(frozen=True)
class Known:
    """Metrics by name.

    Attributes:
        metrics: as documented.
        scrape_interval: of what is scraped.
        intervals: of what is recorded, by name; the scrape interval where it is not among them.
    """

    metrics: Mapping[str, Metric]
    scrape_interval: timedelta = timedelta(seconds=15)
    intervals: Mapping[str, timedelta] = field(default_factory=dict)

    def labels(self, name: str | None) -> frozenset[str] | None:
        """Tell the labels of a series; None where nobody documented it."""
        metric = self._metric(name)
        if metric is None:
            return None
        more = frozenset({"le"}) if str(name).endswith("_bucket") else frozenset()
        return metric.labels | (more if metric.type == RECORDED else more | OF_TARGETS)

    def counts(self, name: str | None) -> bool:
        """Whether it only grows, but for restarts; the metrics of others are told by their names."""
        metric = self._metric(name)
        if metric is None:
            return str(name).endswith(_COUNTS)
        return metric.type in {"counter", "histogram"}

    def interval(self, name: str | None) -> timedelta:
        """Tell the time between two values."""
        return self.intervals.get(str(name), self.scrape_interval)

    def _metric(self, name: str | None) -> Metric | None:
        found = self.metrics.get(str(name))
        for part in _PARTS:
            whole = self.metrics.get(str(name).removesuffix(part))
            if found is None and whole is not None and whole.type == "histogram":
                found = whole
        return found


def read_page(text: str) -> dict[str, Metric]:
    """Read the tables of docs/metrics.md."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            kind = cells[1] if len(cells) == _CELLS_WITH_TYPE else RECORDED
            labels = frozenset(label for label in cells[-3].split(", ") if label.isidentifier())
            found[cells[0].strip("`")] = Metric(kind, labels)
    return found


def read_intervals(groups: Iterable[Mapping[str, Any]], usual: timedelta) -> dict[str, timedelta]:
    """Read how often groups record; `usual` is of those that do not say it themselves."""
    return {
        rule["record"]: promql_parser.parse_duration(group["interval"]) if "interval" in group else usual
        for group in groups
        for rule in group["rules"]
        if "record" in rule
    }
