"""`recwatch-bridge runs` on the database of a bridge."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import update

from recwatch.config import load_config
from recwatch.errors import RecwatchError, StoreError
from recwatch_bridge.commands import runs as command
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage import schema
from recwatch_bridge.storage.store import Store

NOW = 1_800_000_000.0
GATE = {
    "passed": False,
    "summary": "ndcg@10 is 0.500 of the version in service, but must be at least 0.95",
    "samples": 500,
    "min_samples": 100,
    "checks": [
        {
            "metric": "ndcg@10",
            "kind": "ratio",
            "limit": 0.95,
            "passed": False,
            "reason": "ndcg@10 is 0.500 of the version in service, but must be at least 0.95",
            "candidate": 0.1,
            "serving": 0.2,
            "value": 0.5,
            "low": None,
            "high": None,
        }
    ],
}

Call = Callable[..., int]


@pytest.fixture
def settings(workplace: Any) -> BridgeConfig:
    return load_config(workplace.config, BridgeConfig)


@pytest.fixture
def call(settings: BridgeConfig) -> Call:
    """Runs the command as the command line does."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return lambda *arguments: command.run(settings, parser.parse_args(arguments))


@pytest.fixture
def database(settings: BridgeConfig) -> Iterator[Store]:
    """The database of a bridge that runs: it is open all the time."""
    store = Store(settings.store)
    store.claim()
    yield store
    store.close()


def add(store: Store, model: str = "als", text: str = "DriftDetected: it drifted", **values: object) -> str:
    """A run that was refused after 90 seconds, or is what `values` say."""
    with store.write() as connection:
        run_id = runs.create(connection, model, "alert", not_before=NOW, now=NOW)
        runs.join(connection, run_id, Reason(("f1", "2027"), text), NOW)
        runs.join(connection, run_id, Reason(("f2", "2027"), "PopularityShift: it shifted"), NOW + 1)
        refused = {
            "state": "refused",
            "started": NOW + 5,
            "finished": NOW + 95,
            "version": "v2",
            "gate": GATE,
        }
        runs.note(connection, runs.get(connection, run_id), **(refused | values))
    return run_id


def test_runs_are_listed(database: Store, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = add(database), add(database, "bpr", finished=None, state="failed", started=None)
    assert call() == 0
    heading, _, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["run", "trigger", "started", "(UTC)", "took", "state", "version", "reason"]
    assert lines[0].split() == [
        *(first, "alert", "2027-01-15", "08:00:05", "1", "min", "refused", "v2"),
        *("DriftDetected:", "it", "drifted", "(and", "1", "more)"),
    ]
    assert lines[1].startswith(second)
    assert call("--model", "bpr", "--limit", "5") == 0
    assert first not in capsys.readouterr().out


def test_limit_takes_the_newest(database: Store, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [add(database) for _ in range(3)]
    assert call("--limit", "2", "--json") == 0
    assert [item["id"] for item in json.loads(capsys.readouterr().out)] == ids[1:]


def test_nothing_to_list(database: Store, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert database.is_shared is False
    assert (call(), call("--model", "als"), call("--json")) == (0, 0, 0)
    assert capsys.readouterr().out == "No retraining runs.\nNo retraining runs of als.\n[]\n"


def test_one_run_is_shown(
    database: Store, settings: BridgeConfig, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = add(database, serving="v1")
    with database.write() as connection:  # as an earlier version stored it
        connection.execute(update(schema.runs).values(error="a\x1b[31mb"))
    folder = settings.runs_folder / run_id
    folder.mkdir(parents=True)
    (folder / "trainer.log").write_text(
        "".join(f"epoch {number}\n" for number in range(50)), encoding="utf-8"
    )
    assert call(run_id) == 0
    shown = capsys.readouterr().out
    assert [line.split(maxsplit=1) for line in shown.splitlines()[:4]] == [
        ["run", run_id],
        ["model", "als"],
        ["state", "refused"],
        ["error", r"a\x1b[31mb"],
    ]
    assert "  DriftDetected: it drifted\n  PopularityShift: it shifted\n" in shown
    assert f"Gate: refused, with 500 samples: {GATE['summary']}" in shown
    cells = ["ndcg@10", "ratio", "0.1000", "0.2000", "0.5000", "-", "-", "0.9500", "no"]
    assert cells in [line.split() for line in shown.splitlines()]
    assert f"The end of {folder / 'trainer.log'}:\n  epoch 30\n" in shown
    assert shown.endswith("  epoch 49\n")


@pytest.mark.parametrize("which", [[], ["{run_id}"]])
def test_a_reader_that_has_seen_enough_is_no_failure(
    database: Store, workplace: Any, which: list[str]
) -> None:
    run_id = add(database)
    bridge = [sys.executable, "-m", "recwatch_bridge", "--config.file", str(workplace.config)]
    with subprocess.Popen(
        [*bridge, "runs", *(word.format(run_id=run_id) for word in which)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, "")


def test_one_run_as_json(database: Store, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = add(database)
    assert call(run_id, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["state"], shown["log_tail"]) == (run_id, "refused", "")
    assert shown["gate"]["checks"][0]["candidate"] == 0.1


def test_run_that_waits_says_for_what(
    database: Store, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = add(database, state="pending", started=None, finished=None, version=None, gate=None)
    call(waiting)
    assert "begins     2027-01-15 08:00:00 UTC" in capsys.readouterr().out
    asking = add(database, "bpr", state="approving", approve_until=NOW + 86_400, finished=None)
    call(asking)
    assert "approve until  2027-01-16 08:00:00 UTC" in capsys.readouterr().out


def test_unknown_run_is_an_error(database: Store, call: Call) -> None:
    add(database)
    with pytest.raises(RecwatchError, match=r"^no run x\\x1b: `recwatch-bridge runs` lists them$"):
        call("x\x1b")


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_limit_must_be_a_number(call: Call, limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call(f"--limit={limit}")
    assert "is no number above 0" in capsys.readouterr().err


def test_database_that_is_not_there_is_not_made(call: Call, workplace: Any) -> None:
    with pytest.raises(StoreError, match="is not there: the bridge makes it"):
        call()
    assert not (workplace.folder / "data").exists()
