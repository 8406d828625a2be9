# ruff: noqa: INP001 - a file to copy
"""A trainer for the bridge's launcher `http` with `api: airflow2` or `airflow3`.

Copy it to the folder of the DAGs. The task `result` runs the trainer and returns what that wrote to
$RECWATCH_RESULT, as JSON text: Airflow 2 gives a mapping out as Python would write it. Its worker needs the
model's registry folder (`artifacts` in bridge.yml).
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

TRAINER = ["python3", "-m", "shop.train"]
NAMES = {"run_id": "RECWATCH_RUN_ID", "model": "RECWATCH_MODEL", "reason": "RECWATCH_REASON"}


@dag(dag_id="retrain", schedule=None, catchup=False, tags=["recwatch"])
def retrain() -> None:
    """Retrain the model that the run's configuration names."""

    @task(task_id="result")
    def result(dag_run: Any = None) -> str:
        """Run the trainer; what an alert says reaches it as environment variables only."""
        asked = {NAMES[key]: str(dag_run.conf[key]) for key in NAMES}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.json"
            environment = os.environ | asked | {"RECWATCH_RESULT": str(path)}
            subprocess.run(TRAINER, env=environment, check=True)
            return json.dumps(json.loads(path.read_text(encoding="utf-8")))

    result()


retrain()
