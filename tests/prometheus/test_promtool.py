"""Runs the promtool tests and holds them to account: promtool passes one of an alert that does not exist."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from recwatch_local.tools import Tools, find_oldest_promtool

FILES = sorted(file.name for file in (Path(__file__).parents[2] / "prometheus" / "tests").glob("*.yml"))

_OF_REQUESTS = re.compile(r":(ratio|mean|p\d|left)|:rate1h /")
"""What an alert reads that is a ratio, an average or a quantile of requests."""

ALWAYS = {"Watchdog"}
"""These fire as long as there is a Prometheus."""


class Case(Protocol):
    """An `alert_rule_test`; the conftest makes them."""

    file: str
    test: str
    alertname: str
    fires: bool


@pytest.mark.parametrize("name", FILES)
def test_promtool(name: str, folder: Path, tools: Tools) -> None:
    _passes(tools.promtool, folder / "tests" / name)


@pytest.mark.parametrize("name", FILES)
def test_promtool_of_the_oldest_prometheus(name: str, folder: Path) -> None:
    """A range of Prometheus 2 holds the sample at its very beginning, one of Prometheus 3 does not.

    So a value is asserted where the whole of either window is alike.
    """
    promtool = find_oldest_promtool()
    if promtool is None:
        assert "RECWATCH_REQUIRE_ALL" not in os.environ, "`python -m recwatch_local tools --oldest` gets it"
        pytest.skip("no promtool of Prometheus 2.53: `python -m recwatch_local tools --oldest` gets it")
    _passes(promtool, folder / "tests" / name)


def _passes(promtool: Path, file: Path) -> None:
    answer = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=120
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_component_has_a_test_file(folder: Path) -> None:
    """`service.week.yml` is another one of `service`, with evaluations that lie further apart."""
    components = {
        file.stem for file in (folder / "rules").glob("*.yml") if not file.name.startswith("recording.")
    }

    assert components <= {file.removesuffix(".yml") for file in FILES}
    assert {file.partition(".")[0] for file in FILES} <= components


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


def test_every_alert_is_shown_in_full_and_silent_with_its_series_missing(
    cases: list[Case], alerts: list[dict[str, Any]]
) -> None:
    """That it waits and resolves, test_moments.py requires of each rule."""
    for alert in {alert["alert"] for alert in alerts} - ALWAYS:
        own = [case for case in cases if case.alertname == alert]
        silent = {case.test for case in own if not case.fires}
        assert any(case.fires for case in own), f"{alert} fires in no promtool test"
        assert any("every series missing" in test for test in silent), f"{alert}: missing series not tested"


def test_what_always_fires_does_so_without_any_series(cases: list[Case]) -> None:
    own = [case for case in cases if case.alertname in ALWAYS]

    assert {case.alertname for case in own} == ALWAYS
    assert all(case.fires and "every series missing" in case.test for case in own)


def test_ratios_and_averages_are_tested_at_low_traffic(
    cases: list[Case], alerts: list[dict[str, Any]]
) -> None:
    of_few = {alert["alert"] for alert in alerts if _OF_REQUESTS.search(alert["expr"])}
    quiet = {case.alertname for case in cases if not case.fires and "low traffic" in case.test}

    assert of_few
    assert of_few - quiet == set()


def test_a_test_says_in_which_order_its_groups_are_evaluated(
    promtool_files: dict[str, dict[str, Any]], folder: Path
) -> None:
    # promtool's own order is random, so an alert on a recorded series would be a minute late now and then.
    for name, document in promtool_files.items():
        if len(document["rule_files"]) > 1:
            loaded = [
                yaml.safe_load((folder / "tests" / file).read_text()) for file in document["rule_files"]
            ]
            expected = [group["name"] for file in loaded for group in file["groups"]]
            assert document.get("group_eval_order") == expected, name


def test_expected_alerts_are_written_in_full(
    promtool_files: dict[str, dict[str, Any]], alerts: list[dict[str, Any]]
) -> None:
    annotations: dict[str, list[set[str]]] = {}
    for alert in alerts:
        annotations.setdefault(alert["alert"], []).append(set(alert["annotations"]))
    for document in promtool_files.values():
        for test in document["tests"]:
            for case in test.get("alert_rule_test", []):
                wanted = annotations[case["alertname"]]
                for expected in case.get("exp_alerts") or []:
                    assert set(expected["exp_annotations"]) in wanted, case["alertname"]
                    assert {"severity", "service"} <= set(expected["exp_labels"]), case["alertname"]
