"""The real bridge beside working ends, in a folder of its own, for benchmarks."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from math import inf
from pathlib import Path
from queue import Queue

import psutil
import requests

from benchmarks.bridge_load import Load, webhook
from recwatch.testing import MailServer, SlackServer, free_port, wait_until

TOKEN = "a-token-for-benchmarks"  # noqa: S105
_CONFIG = """
listen: 127.0.0.1:{port}
store: {store}
tokens: [{{file: token, scopes: [alerts, manage]}}]
sinks:
  email: {{host: {mail.host}, port: {mail.port}, tls: none, from: alerts@example.com, to: [team@example.com]}}
  slack: {{webhook_url_file: slack_url}}
"""
_MODEL = """
models:
  als:
    launcher: {type: command, argv: [sh, trainer.sh]}
    artifacts: artifacts
    cooldown: 0s
    max_per_day: 1000
"""
# Says when it began, and fails: nothing is promoted.
_TRAINER = "date +%s.%N >> started\nexit 1\n"


@dataclass(frozen=True)
class Bench:
    """A bridge that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    arrivals: Queue[float]
    """When emails arrived, on the clock of `time.time`."""

    def load(self, *, webhooks: int, group: int, prefix: str = "", within: float = inf) -> Load:
        """Post webhooks from a process beside, for so many seconds at most, and wait for every answer."""
        command = [sys.executable, "-m", "benchmarks.bridge_load", "127.0.0.1", str(self.port), TOKEN]
        command += ["--webhooks", str(webhooks), "--group", str(group)]
        command += ["--prefix", prefix, "--within", str(within)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        return Load(**json.loads(done.stdout))

    def post(self, path: str, alert: str, model: str = "") -> None:
        """Post a webhook of one alert."""
        requests.post(
            f"http://127.0.0.1:{self.port}{path}",
            data=webhook([alert], model),
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        ).raise_for_status()

    def last_run(self) -> str:
        """The state of the newest retraining."""
        answer = requests.get(
            f"http://127.0.0.1:{self.port}/api/v1/runs?limit=1",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        )
        return str(answer.json()[-1]["state"])

    def resident(self) -> int:
        """Bytes of memory that the bridge has."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def bridge(store: str = "sqlite:///bridge.db") -> Iterator[Bench]:
    """Start a bridge, with a mail server and a Slack that take everything, and a trainer that fails."""
    arrivals: Queue[float] = Queue()

    def arrived(_: EmailMessage) -> None:
        arrivals.put(time.time())
        mail.clear()

    with (
        tempfile.TemporaryDirectory(prefix="recwatch-bench-") as name,
        MailServer(on_message=arrived) as mail,
        SlackServer() as slack,
    ):
        folder, port = Path(name), free_port()
        (folder / "token").write_text(TOKEN, encoding="utf-8")
        (folder / "slack_url").write_text(slack.url, encoding="utf-8")
        (folder / "trainer.sh").write_text(_TRAINER, encoding="utf-8")
        config = _CONFIG.format(port=port, store=store, mail=mail) + _MODEL
        (folder / "bridge.yml").write_text(config, encoding="utf-8")
        command = [sys.executable, "-m", "recwatch_bridge", "--config.file", str(folder / "bridge.yml")]
        log = folder / "bridge.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_until(lambda: _is_ready(process, port, log), timeout=30)
            yield Bench(folder, port, process, arrivals)
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the bridge ended: {log.read_text(encoding='utf-8')[-1_000:]}")
    try:
        return requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False
