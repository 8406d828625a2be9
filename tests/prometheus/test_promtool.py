"""Runs the promtool tests and holds them to account: promtool passes one of an alert that does not exist."""

import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest

from recwatch_local.tools import Tools

FILES = sorted(file.name for file in (Path(__file__).parents[2] / "prometheus" / "tests").glob("*.yml"))


class Case(Protocol):
    """An `alert_rule_test`; the conftest makes them."""

    file: str
    test: str
    alertname: str
    fires: bool


@pytest.mark.parametrize("name", FILES)
def test_promtool(name: str, folder: Path, tools: Tools) -> None:
    answer = subprocess.run(
        [tools.promtool, "test", "rules", folder / "tests" / name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_component_has_one_test_file(folder: Path) -> None:
    components = {
        file.name for file in (folder / "rules").glob("*.yml") if not file.name.startswith("recording.")
    }

    assert set(FILES) == components


def test_tests_name_only_alerts_that_exist(cases: list[Case], alerts: list[dict[str, Any]]) -> None:
    assert {case.alertname for case in cases} <= {alert["alert"] for alert in alerts}


def test_a_test_file_loads_the_rules_of_the_alerts_it_names(
    promtool_files: dict[str, dict[str, Any]], cases: list[Case], folder: Path
) -> None:
    for name, document in promtool_files.items():
        loaded = [(folder / "tests" / file).resolve() for file in document["rule_files"]]
        text = "".join(file.read_text(encoding="utf-8") for file in loaded)
        for case in cases:
            assert case.file != name or f"alert: {case.alertname}\n" in text, case


def test_every_alert_fires_waits_and_is_silent_with_its_series_missing(
    cases: list[Case], alerts: list[dict[str, Any]]
) -> None:
    for alert in {alert["alert"] for alert in alerts}:
        own = [case for case in cases if case.alertname == alert]
        firing = {case.test for case in own if case.fires}
        silent = {case.test for case in own if not case.fires}
        assert firing, f"{alert} fires in no promtool test"
        assert any("resolves" in test for test in firing & silent), f"{alert} never waits and resolves"
        assert any("every series missing" in test for test in silent), f"{alert}: missing series not tested"


def test_ratios_are_tested_at_low_traffic_and_at_nothing_over_nothing(cases: list[Case]) -> None:
    quiet = {case.alertname for case in cases if not case.fires and "low traffic" in case.test}

    assert quiet == {"RecommenderLatencyHigh", "RecommenderErrorRateHigh", "RecommenderFallbackRateHigh"}
    assert all("0/0" in case.test for case in cases if "low traffic" in case.test)


def test_a_test_says_in_which_order_its_groups_are_evaluated(
    promtool_files: dict[str, dict[str, Any]],
) -> None:
    # promtool's own order is random, so an alert on a recorded series would be a minute late now and then.
    for name, document in promtool_files.items():
        if len(document["rule_files"]) > 1:
            expected = [Path(file).name.removesuffix(".yml") for file in document["rule_files"]]
            assert document.get("group_eval_order") == expected, name


def test_expected_alerts_are_written_in_full(
    promtool_files: dict[str, dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    annotations = {alert["alert"]: set(alert["annotations"]) for alert in alerts}
    for document in promtool_files.values():
        for test in document["tests"]:
            for case in test.get("alert_rule_test", []):
                wanted = annotations[case["alertname"]]
                for expected in case.get("exp_alerts") or []:
                    assert set(expected["exp_annotations"]) == wanted, case["alertname"]
                    assert {"severity", "service"} <= set(expected["exp_labels"]), case["alertname"]
