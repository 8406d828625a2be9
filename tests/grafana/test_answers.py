"""What panels make of the series of several instances, as promtool evaluates them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_dashboards.queries import without_variables
from recwatch_local.tools import Tools


def _given(series: str) -> dict[str, str]:
    name, _, values = series.rpartition(" ")
    return {"series": name, "values": values}


@pytest.fixture
def answers(tmp_path: Path, tools: Tools, boards: dict[str, dict[str, Any]]) -> Any:
    """Says what promtool finds wrong with a panel's answer to series; nothing where it is as expected."""

    def ask(
        board: str,
        title: str,
        series: list[str],
        expected: dict[str, float],
        *,
        at: str = "1m",
        expr: str = "",
    ) -> str:
        (panel,) = (panel for panel in boards[board]["panels"] if panel["title"] == title)
        asked = next(target["expr"] for target in panel["targets"] if expr in target["expr"])
        test = {
            "expr": without_variables(asked),
            "eval_time": at,
            "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
        }
        inputs = [_given(one) for one in series]
        document = {"tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": [test]}]}
        file = tmp_path / "tests.yml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        answer = subprocess.run(
            [tools.promtool, "test", "rules", file], capture_output=True, text=True, check=False
        )
        return answer.stdout + answer.stderr if answer.returncode else ""

    return ask


def test_each_version_has_the_time_at_which_it_was_trained_itself(answers: Any) -> None:
    series = [
        f'{metric}{{service="shop", model="als", instance="{instance}"{more}}} {value}x2'
        for instance, version, trained in (("a", "v1", 100), ("b", "v2", 200))
        for metric, more, value in (
            ("recommender_model_info", f', version="{version}"', 1),
            ("recommender_model_trained_timestamp_seconds", "", trained),
        )
    ]
    expected = {
        '{service="shop", model="als", version="v1"}': 100_000,
        '{service="shop", model="als", version="v2"}': 200_000,
    }

    assert answers("overview", "Versions in service", series, expected) == ""


def test_an_alert_is_red_where_it_is_critical(answers: Any) -> None:
    labels = 'service="shop", model="als", alertname="X"'
    series = [
        f'ALERTS{{alertstate="firing", severity="{severity}", {labels}}} 1x2'
        for severity in ("critical", "warning", "none")
    ]
    expected = {f'{{severity="critical", {labels}}}': 2, f'{{severity="warning", {labels}}}': 1}

    assert answers("loop", "Alerts", series, expected) == ""


def test_the_last_retraining_is_told_by_how_it_ended(answers: Any) -> None:
    name = "service_model_status:bridge_retrains:timestamp"
    series = [
        f'{name}{{service="bridge", model="als", status="promoted"}} 0+60x4 _x200',
        f'{name}{{service="bridge", model="als", status="failed"}} _x100 6000+60x4 _x100',
    ]
    expected = {'{model="als", status="promoted"}': 240_000, '{model="als", status="failed"}': 6_240_000}

    assert answers("overview", "Last retraining", series, expected, at="180m") == ""


@pytest.mark.parametrize(
    ("board", "count", "name"),
    [("training", "training_runs_total", "model"), ("pipelines", "pipeline_runs_total", "pipeline")],
)
def test_runs_that_two_instances_know_of_count_once(answers: Any, board: str, count: str, name: str) -> None:
    series = [
        f'{count}{{instance="{instance}", {name}="x", status="completed"}} 7x2' for instance in ("a", "b")
    ]
    titles = {"training": "Trainings", "pipelines": "Pipelines now"}

    assert answers(board, titles[board], series, {f'{{{name}="x"}}': 7}, expr=count) == ""


@pytest.mark.parametrize(
    ("silent", "heard", "expected"), [(0, 50, {"{}": 0}), (1, 50, {"{}": 1}), (1, 0, {"{}": 1}), (0, 0, {})]
)
def test_the_watchdog_is_silent_where_the_bridge_says_so(
    answers: Any, silent: int, heard: int, expected: dict[str, float]
) -> None:
    """Two bridges on one store say the same; where it is switched off, it was never heard."""
    series = [
        f'{name}{{instance="{instance}"}} {value}x2'
        for instance in ("a", "b")
        for name, value in (("bridge_watchdog_silent", silent), ("bridge_watchdog_timestamp_seconds", heard))
    ]

    assert answers("loop", "Watchdog", series, expected) == ""


def test_messages_of_two_bridges_on_one_store_count_once(answers: Any) -> None:
    series = [
        f'{metric}{{instance="{instance}", sink="slack"}} {value}x2'
        for instance in ("a", "b")
        for metric, value in (("bridge_outbox_pending", 3), ("bridge_dead_letters", 1))
    ]

    assert answers("overview", "Messages not delivered", series, {"{}": 4}) == ""


def test_a_degraded_metric_of_two_replicas_counts_once(answers: Any) -> None:
    labels = 'service="shop", model="als", metric="rmse"'
    series = [f'model_quality_degraded{{instance="{instance}", {labels}}} 1x2' for instance in ("a", "b")]

    assert answers("overview", "Degraded metrics", series, {"{}": 1}) == ""
