"""Every query of every dashboard, asked of a real Prometheus with an hour of every metric of docs/metrics.md.

That finds what no parser sees: a label that a metric does not have, series that do not match, or a comparison
that leaves nothing.
"""

import itertools
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest
import requests

from recwatch_dashboards.queries import without_variables
from recwatch_local.tools import Tools

pytestmark = pytest.mark.all
HOUR = 3600
STEP = 15
VALUES = {
    "service": ["recommender", "search"],
    "instance": ["a:1", "b:1"],
    "model": ["als", "bpr"],
    "check": ["ratings", "disk", "memory"],
    "feature": ["rating"],
    "segment": ["all"],
    "type": ["embedding", "freshness"],
    "window": ["reference", "current"],
    "outcome": ["success", "error"],
    "metric": ["accuracy", "rmse", "mae", "acceptance_rate"],
    "split": ["test", "validation", "cross_validation"],
    "status": ["completed", "failed"],
    "reranked": ["true", "false"],
    "severity": ["critical"],
    "alertstate": ["firing"],
    "job": ["recommender"],
    "slo": ["availability", "latency"],
}
"""What labels may say; the others say `x`."""
FOREIGN = {
    "push_time_seconds": ("model", "pipeline"),
    "prometheus_notifications_errors_total": ("alertmanager",),
    "prometheus_notifications_sent_total": ("alertmanager",),
    "up": (),
    "ALERTS": ("alertname", "alertstate", "severity", "service", "model"),
    "ALERTS_FOR_STATE": ("alertname", "severity", "service", "model"),
    "alertmanager_alerts": ("state",),
    "prometheus_rule_group_interval_seconds": ("rule_group",),
    "prometheus_rule_group_last_duration_seconds": ("rule_group",),
}
"""Labels of what others export, besides those that Prometheus adds."""
_WORD = re.compile(r"[a-zA-Z_:][\w:]*")
_ALERT = re.compile(r'alert="(\w+)"')


class Row(Protocol):
    """A row of docs/metrics.md; see the conftest."""

    metric: str
    type: str
    labels: tuple[str, ...]


class Query(Protocol):
    """A query of a dashboard; see the conftest."""

    place: str
    expr: str


def _metrics(documented: dict[str, Row], text: str) -> Iterator[tuple[str, str, set[str]]]:
    """Name, type and labels of whatever a text of queries asks for."""
    for name in sorted(set(_WORD.findall(text))):
        row = documented.get(name)
        kind = "counter" if name.endswith("_total") else "gauge"
        if row is not None and row.type == "recorded":
            yield name, kind, set(row.labels)
        elif row is not None:
            yield name, kind, {"service", "instance", *row.labels}
        elif name in FOREIGN or name.startswith(("alertmanager_", "process_", "prometheus_", "scrape_")):
            yield name, kind, {"service", "instance", "job", *FOREIGN.get(name, ())}


def _lines(name: str, kind: str, values: dict[str, list[str]]) -> Iterator[str]:
    """An hour of a metric: counters grow, times lie in the past, the rest is 0.5."""
    yield f"# TYPE {name.removesuffix('_total')} {kind}\n"
    end = int(time.time()) // STEP * STEP
    for chosen in itertools.product(*values.values()):
        pairs = ",".join(f'{label}="{value}"' for label, value in zip(values, chosen, strict=True))
        for at in range(end - HOUR, end, STEP):
            value = at - end + HOUR if kind == "counter" else 0.5
            if name.endswith("_timestamp_seconds"):
                value = end - 2 * HOUR
            yield f"{name}{{{pairs}}} {value} {at}\n"


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory,
    tools: Tools,
    run_prometheus: Callable[..., AbstractContextManager[Any]],
    documented: dict[str, Row],
    board_queries: list[Query],
) -> Iterator[str]:
    """The address of a Prometheus with an hour of everything that the dashboards ask for."""
    folder = tmp_path_factory.mktemp("answers")
    text = "\n".join(query.expr for query in board_queries)
    known = {**VALUES, "alert": sorted(set(_ALERT.findall(text)))}
    with (folder / "metrics.txt").open("w", encoding="utf-8") as file:
        for name, kind, labels in _metrics(documented, text):
            file.writelines(_lines(name, kind, {label: known.get(label, ["x"]) for label in sorted(labels)}))
        file.write("# EOF\n")
    subprocess.run(
        [
            tools.promtool,
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            folder / "metrics.txt",
            folder / "data",
        ],
        check=True,
        capture_output=True,
    )
    with run_prometheus(folder, []) as program:
        yield program.url


def _asked(url: str, expr: str) -> list[Any]:
    now = time.time()
    answer = requests.post(
        f"{url}/api/v1/query_range",
        data={"query": expr, "start": now - HOUR / 2, "end": now - 60, "step": 60},
        timeout=60,
    ).json()
    assert answer["status"] == "success", f"{expr}: {answer.get('error')}"
    found: list[Any] = answer["data"]["result"]
    return found


def test_every_query_is_answered(prometheus: str, board_queries: list[Query]) -> None:
    # What was a week before is not there after an hour.
    asked = {(query.place, query.expr.replace(" offset 1w", "")) for query in board_queries}
    empty = sorted(f"{place}: {expr}" for place, expr in asked if not _asked(prometheus, expr))

    assert empty == []


def test_every_variable_has_values(prometheus: str, board_variables: list[Any]) -> None:
    for variable in board_variables:
        answer = requests.get(
            f"{prometheus}/api/v1/label/{variable.label}/values",
            params={"match[]": without_variables(variable.selector)},
            timeout=60,
        ).json()
        assert answer["data"], f"{variable.board} {variable.name}"
