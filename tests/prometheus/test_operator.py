"""The objects hold what the files hold: nothing is lost, and Kubernetes and Prometheus would take them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.paths import ROOT
from recwatch_local.tools import Tools
from recwatch_rules import operator
from recwatch_rules.addresses import Addresses
from recwatch_rules.errors import RulesError
from recwatch_rules.objects import Metadata
from recwatch_rules.pack import read_groups

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DURATION = re.compile(r"\d+(s|m|h)")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return operator.files(ROOT, metadata=Metadata(), addresses=Addresses())


@pytest.fixture(scope="module")
def found(texts: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {name: yaml.safe_load(text) for name, text in texts.items()}


def of_kind(found: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: value for name, value in found.items() if value["kind"] == kind}


def test_the_rules_come_back_as_they_stand_in_the_files(found: dict[str, dict[str, Any]]) -> None:
    rules = {
        name.removeprefix("rules/").removesuffix(".yaml"): value["spec"]["groups"]
        for name, value in of_kind(found, "PrometheusRule").items()
    }

    assert rules == read_groups(ROOT / "prometheus" / "rules")


def test_promtool_accepts_the_rules_out_of_the_objects(
    found: dict[str, dict[str, Any]], tools: Tools, tmp_path: Path
) -> None:
    for name, value in of_kind(found, "PrometheusRule").items():
        (tmp_path / Path(name).name).write_text(yaml.safe_dump(value["spec"]), encoding="utf-8")
    files = sorted(tmp_path.iterdir())
    answer = subprocess.run(
        [tools.promtool, "check", "rules", "--lint=all", "--lint-fatal", *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert files
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_job_has_a_monitor(found: dict[str, dict[str, Any]]) -> None:
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    monitors = of_kind(found, "ServiceMonitor")

    assert {f"monitors/{job['job_name']}.yaml" for job in config["scrape_configs"]} == monitors.keys()
    for monitor in monitors.values():
        (endpoint,) = monitor["spec"]["endpoints"]
        assert monitor["spec"]["selector"]["matchLabels"]
        assert isinstance(endpoint["port"], str)
        assert _DURATION.fullmatch(endpoint["interval"])
        assert _DURATION.fullmatch(endpoint["scrapeTimeout"])


def test_every_dashboard_is_there_to_the_letter(found: dict[str, dict[str, Any]]) -> None:
    files = {file.stem: file for file in (ROOT / "grafana" / "dashboards").glob("*.json")}
    maps = of_kind(found, "ConfigMap")

    assert {f"dashboards/{stem}.yaml" for stem in files} == maps.keys()
    for stem, file in files.items():
        data = maps[f"dashboards/{stem}.yaml"]["data"]
        assert data == {f"recwatch-{stem}.json": file.read_text(encoding="utf-8")}
        assert len(json.dumps(data)) < 1_000_000  # what a ConfigMap may hold


def test_every_object_has_what_kubernetes_asks_for(found: dict[str, dict[str, Any]]) -> None:
    kustomization = found["kustomization.yaml"]
    objects = {name: value for name, value in found.items() if name != "kustomization.yaml"}

    assert kustomization["resources"] == sorted(objects)
    for value in objects.values():
        assert _NAME.fullmatch(value["metadata"]["name"])
        assert len(value["metadata"]["name"]) <= 63
        assert all(isinstance(label, str) for label in value["metadata"]["labels"].values())
    names = [(value["kind"], value["metadata"]["name"]) for value in objects.values()]
    assert len(set(names)) == len(names)
    for value in of_kind(found, "PrometheusRule").values():
        for group in value["spec"]["groups"]:
            assert {"name", "rules"} <= group.keys() <= {"name", "rules", "interval", "limit"}
            for rule in group["rules"]:
                assert ("alert" in rule) != ("record" in rule)
                assert isinstance(rule["expr"], str)
                assert all(isinstance(text, str) for text in rule.get("annotations", {}).values())
                assert all(isinstance(text, str) for text in rule.get("labels", {}).values())


def test_addresses_are_those_that_were_given() -> None:
    texts = operator.files(
        ROOT, metadata=Metadata(), addresses=Addresses("https://grafana.example", "https://wiki.example")
    )
    rules = "".join(text for name, text in texts.items() if name.startswith("rules/"))

    assert "localhost:3000" not in rules
    assert not any("github.com/recwatch" in text for text in texts.values())
    assert "https://wiki.example/${__value.raw}.md" in texts["dashboards/loop.yaml"]
    assert "https://grafana.example/d/recwatch-" in rules
    assert "runbook_url: https://wiki.example/BridgeDown.md" in rules


def test_helm_gives_back_what_the_objects_hold(texts: dict[str, str]) -> None:
    templates = operator.files(ROOT, metadata=Metadata(), addresses=Addresses(), helm=True)

    assert templates.keys() == texts.keys() - {"kustomization.yaml"}
    assert any("{{" in text for text in templates.values())
    for name, template in templates.items():
        # All that Helm sees is an action that prints two braces.
        assert template.replace('{{ "{{" }}', "").count("{{") == 0
        assert template.replace('{{ "{{" }}', "{{") == texts[name]


def test_a_dashboard_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "prometheus" / "rules").mkdir(parents=True)
    (tmp_path / "prometheus" / "rules" / "a.yml").write_text("groups: []")
    (tmp_path / "prometheus" / "prometheus.yml").write_text("global: {}\nscrape_configs: []")
    (tmp_path / "grafana" / "dashboards").mkdir(parents=True)
    (tmp_path / "grafana" / "dashboards" / "x.json").write_text("{")

    with pytest.raises(RulesError, match=r"x\.json: .*: run recwatch-dashboards"):
        operator.files(tmp_path, metadata=Metadata(), addresses=Addresses())
