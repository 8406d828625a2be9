"""The real bridge with a trainer in Airflow, over a kill."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from recwatch.registry import Manifest
from recwatch.testing import wait_until
from recwatch.testing.airflow import AirflowServer
from recwatch.testing.faults import Fault

PASSWORD = "a-secret-word"


@pytest.mark.all
def test_started_once_over_a_lost_answer_and_a_kill(
    workplace: Any, start: Callable[[], Any], alert: Any, group: Any
) -> None:
    (workplace.folder / "password").write_text(PASSWORD, encoding="utf-8")
    with AirflowServer(version=2, password=PASSWORD) as airflow:
        workplace.settings["models"]["als"]["launcher"] = {
            "type": "http",
            "api": "airflow2",
            "url": airflow.url,
            "dag": "retrain",
            "result_task": "result",
            "user": "recwatch",
            "password_file": "password",
            "poll": "200ms",
        }
        airflow.misbehave(Fault(502, done=True))
        bridge = start()
        assert bridge.post("/actions/retrain", group(alert())).ok
        wait_until(lambda: len(airflow.runs) == 1, timeout=30)
        bridge.kill()
        bridge = start()
        [run] = airflow.runs
        [told] = bridge.get("/api/v1/runs")
        assert (told["id"], told["state"]) == (run.run_id, "running")
        version = workplace.registry.new_version(datetime.now(UTC))
        with workplace.registry.publish(version) as folder:
            manifest = Manifest(
                model="als", version=version, trained_at=datetime.now(UTC), data_version="test"
            )
            manifest.write(folder)
        result = {"version": version, "metrics": {"ndcg@10": 0.2}, "samples": 500}
        run.finish(returned=json.dumps(result))
        wait_until(bridge.run_in("promoted"), timeout=30)
        assert len(airflow.runs) == 1
        assert workplace.registry.current() == version
        log = workplace.folder / "data" / "bridge-runs" / run.run_id / "trainer.log"
        assert "DAG run: success" in log.read_text(encoding="utf-8")
    assert PASSWORD not in (workplace.folder / "bridge.log").read_text(encoding="utf-8")
