"""The other ends in examples/launchers are what the launchers expect."""

import json
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml


def test_the_workflow_is_one_that_the_bridge_finds(examples: Path) -> None:
    text = (examples / "retrain.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["run-name"] == "retrain ${{ inputs.run_id }}"
    # YAML 1.1 reads `on` as true.
    assert set(workflow[True]["workflow_dispatch"]["inputs"]) == {"run_id", "model", "reason"}
    [job] = workflow["jobs"].values()
    upload = job["steps"][-1]["with"]
    assert (upload["name"], upload["path"]) == ("recwatch-${{ inputs.run_id }}", "result.json")
    assert job["env"]["RECWATCH_RESULT"].endswith("/result.json")
    # What an alert says must not become part of a script.
    assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("module", ["airflow.sdk", "airflow.decorators"])
def test_the_dag_returns_what_the_trainer_wrote(
    examples: Path, shop: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    tasks: dict[str, Any] = {}

    def task(task_id: str) -> Any:
        def decorate(function: Any) -> Any:
            tasks[task_id] = function
            return lambda: None

        return decorate

    airflow = ModuleType(module)
    vars(airflow).update(dag=lambda **_: lambda function: function, task=task)
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, module, airflow)
    runpy.run_path(str(examples / "retrain_dag.py"))
    monkeypatch.chdir(shop)
    conf = {"run_id": "als-1", "model": "als", "reason": "$(touch owned)"}
    result = json.loads(tasks["result"](dag_run=SimpleNamespace(conf=conf)))
    assert result["asked"] == {"RUN_ID": "als-1", "MODEL": "als", "REASON": "$(touch owned)"}
    assert not (shop / "owned").exists()
