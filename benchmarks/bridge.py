"""How many alerts a second the bridge takes for good, how soon it acts, and whether its memory stays flat.

A real bridge over HTTP, with an SMTP server and a Slack that take what it sends, on SQLite; every alert is
new, and what was answered is on the disk. The load comes from a process beside it, over eight connections.
The storm of a million alerts takes 2 to 3 minutes, and ends after `WITHIN` however far it came; the rest
takes another 2.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bridge_load import Load
from benchmarks.bridge_process import Bench, bridge
from benchmarks.timing import Figure, Row
from recwatch.testing import wait_until

SINGLES = 4_000
GROUPS = 2_000
PER_GROUP = 10
IDLE = 100
FIRST, ALL = 100_000, 1_000_000
PER_STORM_GROUP = 100
WITHIN = 240.0
"""Seconds."""
MOST = 1.1


def run() -> Sequence[Row | Figure]:
    rows: list[Row | Figure] = []
    with bridge() as bench:
        rows += _reactions(bench)
    with bridge() as bench:
        bench.load(webhooks=200, group=1, prefix="warm")
        rows += _rate(bench, "one a webhook", webhooks=SINGLES, group=1, promised=500)
        rows += _rate(bench, "ten a webhook", webhooks=GROUPS, group=PER_GROUP, promised=2_000)
    with bridge() as bench:
        rows += _storm(bench)
    return rows


def _reactions(bench: Bench) -> Sequence[Figure]:
    messages = [_until_message(bench, f"message-{number}") for number in range(IDLE)]
    starts = [_until_start(bench, f"run-{number}") for number in range(IDLE)]
    return (
        Figure("from a webhook to its email, idle: p99", _p99(messages), "s", 0.5, at_most=True),
        Figure("from a webhook to the trainer's start, idle: p99", _p99(starts), "s", 0.5, at_most=True),
    )


def _until_message(bench: Bench, alert: str) -> float:
    begun = time.time()
    bench.post("/notify/email", alert)
    return bench.arrivals.get(timeout=20) - begun


def _until_start(bench: Bench, alert: str) -> float:
    file = bench.folder / "started"
    before = len(_lines(file))
    begun = time.time()
    bench.post("/actions/retrain", alert, model="als")
    wait_until(lambda: len(_lines(file)) > before, timeout=20)
    wait_until(lambda: bench.last_run() == "failed", timeout=20)
    return float(_lines(file)[-1]) - begun


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file.exists() else []


def _rate(bench: Bench, name: str, *, webhooks: int, group: int, promised: int) -> Sequence[Figure]:
    load = bench.load(webhooks=webhooks, group=group, prefix=name[:3])
    assert not load.refused, f"{load.refused} webhooks were refused"
    rate = load.accepted * group / load.seconds
    return (
        Figure(f"bridge: alerts taken for good, {name}", rate, "alerts/s", promised),
        Figure(f"bridge: answer to a webhook, {name}: p99", load.p99 * 1e3, "ms", 50, at_most=True),
    )


def _storm(bench: Bench) -> Sequence[Row | Figure]:
    first = _part_of_storm(bench, "first", FIRST, WITHIN)
    assert not first.left, f"{FIRST:,} alerts took longer than {WITHIN:.0f} s"
    early = bench.resident()
    rest = _part_of_storm(bench, "rest", ALL - FIRST, WITHIN - first.seconds)
    taken = _alerts(first) + _alerts(rest)
    memory = Row(
        f"bridge: memory after a storm of {taken:,} alerts",
        bench.resident() / 2**20,
        early / 2**20,
        f"after {_alerts(first):,}",
        target=MOST,
        unit="MiB",
    )
    return memory, Figure(f"bridge: alerts of the storm taken within {WITHIN:.0f} s", taken, "alerts", ALL)


def _part_of_storm(bench: Bench, prefix: str, alerts: int, within: float) -> Load:
    webhooks = alerts // PER_STORM_GROUP
    load = bench.load(webhooks=webhooks, group=PER_STORM_GROUP, prefix=prefix, within=within)
    assert not load.refused, f"{load.refused} webhooks were refused"
    return load


def _alerts(load: Load) -> int:
    return load.accepted * PER_STORM_GROUP


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99) - 1]
