"""A trainer as a user would write one. plan.json tells what to do; while `hold` exists, it is at work."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from recwatch.registry import Manifest, ModelRegistry

with Path("starts").open("a", encoding="utf-8") as file:
    file.write(os.environ["RECWATCH_RUN_ID"] + "\n")
print("reason:", os.environ["RECWATCH_REASON"], flush=True)  # noqa: T201 - for the run's log
while Path("hold").exists():
    time.sleep(0.02)
plan = json.loads(Path("plan.json").read_text(encoding="utf-8"))
if plan.get("exit"):
    sys.exit(plan["exit"])
model = os.environ["RECWATCH_MODEL"]
registry = ModelRegistry(Path("artifacts") / model)
now = datetime.now(UTC)
version = registry.new_version(now)
with registry.publish(version) as folder:
    Manifest(model=model, version=version, trained_at=now, data_version="test").write(folder)
result = json.dumps({"version": version, **plan["result"]})
Path(os.environ["RECWATCH_RESULT"]).write_text(result, encoding="utf-8")
