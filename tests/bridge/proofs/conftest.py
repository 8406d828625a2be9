"""What the proofs share: a sender as patient as Alertmanager, and trainers that say when they worked."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until

# Says when it began and ended, publishes a version, reports a good result; its argument is how long it takes.
TRAINER = """
import json, os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from recwatch.registry import Manifest, ModelRegistry

def say(what):
    with open("trainings", "a") as file:
        file.write(f"{os.environ['RECWATCH_MODEL']} {os.environ['RECWATCH_RUN_ID']} {what} {time.time()}\\n")

say("began")
time.sleep(float(sys.argv[1]))
registry = ModelRegistry(Path("artifacts") / os.environ["RECWATCH_MODEL"])
now = datetime.now(UTC)
version = registry.new_version(now)
with registry.publish(version) as folder:
    Manifest(model=registry.model, version=version, trained_at=now, data_version="test").write(folder)
metrics = {"ndcg@10": 0.2}
result = {"version": version, "metrics": metrics, "serving_metrics": metrics, "samples": 500}
Path(os.environ["RECWATCH_RESULT"]).write_text(json.dumps(result))
say("ended")
"""


@dataclass
class Sender:
    """Posts webhooks as Alertmanager does: again and again until the answer is 200.

    `url` may change while it sends: a bridge that was killed comes back at another address.
    """

    token: str
    url: str = ""
    given_up: bool = False
    refused: list[str] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any]) -> None:
        def accepted() -> bool:
            if self.given_up:
                return True
            try:
                headers = {"Authorization": f"Bearer {self.token}"}
                answer = requests.post(self.url + path, json=body, headers=headers, timeout=10)
            except requests.RequestException:
                return False
            if 400 <= answer.status_code < 500:
                self.refused.append(f"{path}: {answer.status_code} {answer.text}")
                return True
            return answer.status_code == 200

        wait_until(accepted, timeout=900, what=f"a 200 from {path}")

    def send_all(
        self, posts: list[tuple[str, dict[str, Any]]], *, threads: int = 4, pace: float = 0.0
    ) -> list[threading.Thread]:
        """Begin to send, each thread one every `pace` seconds at most; join the threads that it returns."""
        waiting = list(reversed(posts))
        paced = threading.Event()

        def work() -> None:
            while not self.given_up:
                try:
                    path, body = waiting.pop()
                except IndexError:
                    return
                self.post(path, body)
                paced.wait(pace)

        started = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started


@dataclass(frozen=True)
class Training:
    """What one process of a trainer said."""

    model: str
    run_id: str
    began: float
    ended: float | None


@pytest.fixture
def sender() -> Sender:
    return Sender("a-token-for-tests")


@pytest.fixture
def trainings(tmp_path: Path) -> Callable[[], list[Training]]:
    """Reads what the trainers said; a run that was started twice is there twice."""

    def read() -> list[Training]:
        lines = (tmp_path / "trainings").read_text(encoding="utf-8").splitlines()
        said = [line.split() for line in lines]
        ended = {run_id: float(at) for _, run_id, what, at in said if what == "ended"}
        return [
            Training(model, run_id, float(at), ended.get(run_id))
            for model, run_id, what, at in said
            if what == "began"
        ]

    return read


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Any]:
    """Five models whose trainers take up to two seconds and whose alerts need not wait."""
    (tmp_path / "quick.py").write_text(TRAINER, encoding="utf-8")
    return {
        f"m{number}": {
            "launcher": {"type": "command", "argv": [sys.executable, "quick.py", str(number % 3)]},
            "artifacts": f"artifacts/m{number}",
            "gate": {"ndcg@10": {"ratio": 0.95}},
            "cooldown": "0",
            "max_per_day": 100_000,
            "timeout": "1m",
        }
        for number in range(5)
    }
