"""What is recorded for the dashboards: events are absent where there are none, nothing comes of nothing."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from recwatch_local.tools import Tools

BRIDGE = 'service="bridge", model="als"'


def expect(expr: str, at: str, *samples: tuple[str, float]) -> dict[str, Any]:
    """What an expression gives; a sample is its series and its value."""
    return {
        "expr": expr,
        "eval_time": at,
        "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
    }


def series(name: str, values: str) -> dict[str, str]:
    return {"series": name, "values": values}


def check(folder: Path, tmp_path: Path, tools: Tools, inputs: list[Any], tests: list[Any]) -> str:
    """What promtool complains of; nothing, where all is as expected."""
    document = {
        "rule_files": [str(folder / "rules" / "recording.dashboards.yml")],
        "evaluation_interval": "1m",
        "tests": [{"name": "t", "interval": "15s", "input_series": inputs, "promql_expr_test": tests}],
    }
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    answer = subprocess.run(
        [tools.promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    return answer.stdout + answer.stderr if answer.returncode else ""


def test_an_event_is_counted_for_five_minutes_and_absent_before_and_after(
    folder: Path, tmp_path: Path, tools: Tools
) -> None:
    recorded = "service_model_status:bridge_retrains:increase5m"
    promoted = f'{recorded}{{{BRIDGE}, status="promoted"}}'
    inputs = [
        # Nothing for ten minutes, one run, a restart after fifteen more.
        series(f'bridge_retrains_total{{{BRIDGE}, status="promoted", trigger="alert"}}', "0x40 1x60 0x40"),
        series(f'bridge_retrains_total{{{BRIDGE}, status="failed", trigger="alert"}}', "0x140"),
    ]
    tests = [
        expect(recorded, "10m"),
        expect(f"round({recorded})", "11m", (promoted.replace(recorded, ""), 1)),
        expect(f"round({recorded})", "14m", (promoted.replace(recorded, ""), 1)),
        expect(recorded, "16m"),
        expect(recorded, "27m"),
        expect("max_over_time(round(" + recorded + ")[30m:1m])", "30m", (promoted.replace(recorded, ""), 1)),
    ]

    assert check(folder, tmp_path, tools, inputs, tests) == ""


def test_quantiles_and_averages_are_absent_where_nothing_was_measured(
    folder: Path, tmp_path: Path, tools: Tools
) -> None:
    labels = 'service="recommender", model="als", reranked="true"'
    asked = [
        series(f'recommender_content_score_bucket{{{labels}, le="0"}}', "0x240 0x240"),
        series(f'recommender_content_score_bucket{{{labels}, le="1"}}', "0+1x240 240x480"),
        series(f'recommender_content_score_bucket{{{labels}, le="+Inf"}}', "0+1x240 240x480"),
        series(f"recommender_content_score_count{{{labels}}}", "0+1x240 240x480"),
        series(f"recommender_request_duration_seconds_sum{{{labels}}}", "0+0.1x240 24x480"),
        series(f"recommender_request_duration_seconds_count{{{labels}}}", "0+1x240 240x480"),
    ]
    median = "service_model_reranked:recommender_content_score:p50_rate10m"
    average = "service_model:recommender_request_duration_seconds:mean1h"
    tests = [
        expect(f"round({median}, 0.01)", "60m", (f"{{{labels}}}", 0.5)),
        expect(f"round({average}, 0.01)", "60m", ('{service="recommender", model="als"}', 0.1)),
        expect(median, "130m"),
        expect(average, "130m"),
    ]

    assert check(folder, tmp_path, tools, asked, tests) == ""
    assert check(folder, tmp_path, tools, [], [expect('{__name__=~".+"}', "30m")]) == ""


def test_the_check_can_fail(folder: Path, tmp_path: Path, tools: Tools) -> None:
    assert "got" in check(folder, tmp_path, tools, [], [expect("vector(1)", "1m", ("{}", 2))])
