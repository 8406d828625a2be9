# ruff: noqa: INP001 - a file to copy
"""A trainer for the bridge's launcher `celery`.

    celery --app=tasks worker --queues=training --concurrency=1

Results must be kept, as JSON, and the workers' remote control must stay on, for the bridge asks them for the
task; both are so by default once there is a backend. The worker needs the registry folder
(`artifacts` in bridge.yml).
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery

TRAINER = ["python3", "-m", "shop.train"]

redis = os.environ.get("CELERY_REDIS", "redis://localhost:6379/0")
app = Celery("shop", broker=redis, backend=redis)
app.conf.worker_prefetch_multiplier = 1


@app.task(name="shop.retrain")
def retrain(run_id: str, model: str, reason: str) -> Any:
    """Run the trainer; what an alert says reaches it as environment variables only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        asked = {"RECWATCH_RUN_ID": run_id, "RECWATCH_MODEL": model, "RECWATCH_REASON": reason}
        subprocess.run(TRAINER, env=os.environ | asked | {"RECWATCH_RESULT": str(path)}, check=True)
        return json.loads(path.read_text(encoding="utf-8"))
