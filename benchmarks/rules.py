"""What the whole pack of rules costs a real Prometheus: 100 models, and history where rules look back."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import promql_parser
import requests
import yaml

from benchmarks.rules_series import scrape
from benchmarks.timing import Figure
from recwatch.testing import free_port, wait_until
from recwatch_local.tools import Tools, find_tools
from recwatch_rules.tree import children

MODELS = 100
SERVICES = 10
SCRAPED = 15
# Rules record what others read; here every group is evaluated as often as what is scraped.
FIRST_SECONDS = 60
# After it a rule reads five minutes from memory, not from the block of history on the disk.
WARM_SECONDS = 330
# Two evaluations of a group of every 4 minutes, or three.
MEASURED_SECONDS = 600
MOST = 0.01
# The median of what each group took: the machine may stand still for half a second in one of them.
SHARE = (
    f"sum(quantile_over_time(0.5, prometheus_rule_group_last_duration_seconds[{MEASURED_SECONDS}s])"
    " / prometheus_rule_group_interval_seconds)"
)
PROMETHEUS = Path(__file__).parents[1] / "prometheus"
RULES = PROMETHEUS / "rules"


class _Target(BaseHTTPRequestHandler):
    """Answers /<job>/<service number> with that part's series."""

    models: ClassVar[tuple[str, ...]] = ()

    def do_GET(self) -> None:
        _, job, number = self.path.split("/")
        models = self.models[int(number) :: SERVICES] if job == "recommender" else self.models
        body = scrape(job, models).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        with suppress(BrokenPipeError):  # a Prometheus that is stopped in the middle of a scrape
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""


def run() -> list[Figure]:
    """Measure; takes some fifteen minutes."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        with _targets() as address:
            tools = find_tools()
            _configure(folder, address, every=f"{SCRAPED}s")
            with _prometheus(folder, tools) as url:
                time.sleep(FIRST_SECONDS)  # a benchmark's own clock
                long = _series(url, lookbacks())
            shutil.rmtree(folder / "data")
            _backfill(folder, tools, long)
            _configure(folder, address)
            with _prometheus(folder, tools) as url:
                time.sleep(WARM_SECONDS + MEASURED_SECONDS)
                share = _number(url, SHARE)
                mean = _number(url, f"rate(prometheus_rule_group_duration_seconds_sum[{MEASURED_SECONDS}s])")
                dearest = _dearest(url)
                series = _number(url, "prometheus_tsdb_head_series")
                firing = _number(url, 'count(ALERTS{alertname!="Watchdog"}) or vector(0)')
    for part, rule in dearest:
        print(f"  {part:.3%} {rule}", file=sys.stderr)
    history = sum(item.count for item in long)
    print(f"  {mean:.3%} with the times at which the machine stood still", file=sys.stderr)
    print(f"  {series:,.0f} series, {history:,} samples of history, {firing:.0f} alerts", file=sys.stderr)
    return [Figure(f"rules: share of the time, {MODELS} models", share, "of it", MOST, at_most=True)]


def evaluated() -> str:
    """How often groups are evaluated that do not say it themselves."""
    settings = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    return str(settings["global"]["evaluation_interval"])


def lookbacks() -> dict[str, tuple[float, float]]:
    """How far back rules read, if over 5 minutes, and the metric's step: seconds, by metric."""
    found: dict[str, float] = {}
    recorded: dict[str, float] = {}
    usual = evaluated()
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                recorded.setdefault(rule.get("record", ""), _seconds(group.get("interval", usual)))
                for name, seconds in _reads(promql_parser.parse(rule["expr"]), 0.0):
                    found[name] = max(found.get(name, 0.0), seconds)
    return {name: (far, recorded.get(name, SCRAPED)) for name, far in found.items() if far > 300}


def _reads(node: Any, back: float) -> Iterator[tuple[str, float]]:
    """Every selector below a node and how far back it reads."""
    back += _length(getattr(node, "range", None)) + _length(getattr(node, "offset", None))
    if isinstance(node, promql_parser.VectorSelector):
        if node.name:
            yield node.name, back
        return
    for child in children(node):
        yield from _reads(child, back)


def _length(value: object) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else 0.0


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return float(text[:-1]) * units[text[-1]]


@dataclass(frozen=True)
class Past:
    """A series that gets a past."""

    labels: Mapping[str, str]
    value: float
    far: float
    step: float

    @property
    def count(self) -> int:
        """Samples of it."""
        return int(self.far // self.step)


def _series(url: str, far: Mapping[str, tuple[float, float]]) -> list[Past]:
    found = []
    for name, (seconds, step) in sorted(far.items()):
        answer = requests.get(f"{url}/api/v1/query", params={"query": name}, timeout=30)
        answer.raise_for_status()
        rows = answer.json()["data"]["result"]
        found += [Past(row["metric"], float(row["value"][1]), seconds, step) for row in rows]
    return found


def _backfill(folder: Path, tools: Tools, long: list[Past]) -> None:
    """Write a past for the series, a metric at a time, so that neither memory nor disk holds all as text."""
    now = int(time.time())
    file = folder / "past.om"
    # Blocks as of a Prometheus that has run for a month; for each of two hours the text would be read anew.
    command = [
        str(tools.promtool),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=162h",
        "--quiet",
    ]
    for name, series in groupby(long, key=lambda past: past.labels["__name__"]):
        counter = name.endswith(("_total", "_bucket", "_sum", "_count"))
        with file.open("w", encoding="utf-8") as out:
            for past in series:
                labels = ",".join(
                    f'{key}="{value}"' for key, value in past.labels.items() if key != "__name__"
                )
                rises = counter and past.value > 0  # what counts failures has never risen
                for at in range(int(now - past.count * past.step), now, int(past.step)):
                    value = past.value - (now - at) if rises else past.value
                    out.write(f"{name}{{{labels}}} {value:g} {at}\n")
            out.write("# EOF\n")
        subprocess.run([*command, file, folder / "data"], check=True)
    file.unlink()


@contextmanager
def _targets() -> Iterator[str]:
    _Target.models = tuple(f"model_{number:03}" for number in range(MODELS))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Target) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _configure(folder: Path, address: str, every: str | None = None) -> None:
    """Write what Prometheus reads; all groups are evaluated as often as `every` says, if it does."""

    def target(job: str, service: str, number: int = 0) -> dict[str, Any]:
        return {
            "targets": [address],
            "labels": {
                "job": job,
                "service": service,
                "__metrics_path__": f"/{job}/{number}",
                "instance": service,
            },
        }

    groups = [target("recommender", f"recommender_{number}", number) for number in range(SERVICES)]
    groups += [
        target("pushgateway", "training"),
        target("drift-exporter", "drift-exporter"),
        target("bridge", "bridge"),
    ]
    (folder / "rules").mkdir(exist_ok=True)
    for file in RULES.glob("*.yml"):
        rules = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in rules["groups"] if every else ():
            group["interval"] = every
        (folder / "rules" / file.name).write_text(yaml.safe_dump(rules), encoding="utf-8")
    settings = {
        "global": {"scrape_interval": f"{SCRAPED}s", "evaluation_interval": every or evaluated()},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": [
            {"job_name": "parts", "static_configs": groups},
            {"job_name": "prometheus", "static_configs": [{"targets": ["127.0.0.1:PORT"]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@contextmanager
def _prometheus(folder: Path, tools: Tools) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    config = folder / "prometheus.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["scrape_configs"][1]["static_configs"] = [
        {"targets": [address], "labels": {"service": "prometheus"}}
    ]
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [str(tools.prometheus), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=45d", "--log.level=error"]
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            wait_until(lambda: _ready(f"http://{address}"), timeout=60)
            yield f"http://{address}"
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False


def _dearest(url: str) -> list[tuple[float, str]]:
    """The ten rules that took most of their interval when they were last evaluated."""
    answer = requests.get(f"{url}/api/v1/rules", timeout=30)
    answer.raise_for_status()
    shares = [
        (rule["evaluationTime"] / group["interval"], f"{group['name']}: {rule['name']}")
        for group in answer.json()["data"]["groups"]
        for rule in group["rules"]
    ]
    return sorted(shares, reverse=True)[:10]


def _number(url: str, query: str) -> float:
    answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=30)
    answer.raise_for_status()
    return float(answer.json()["data"]["result"][0]["value"][1])
