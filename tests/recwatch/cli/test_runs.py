import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recwatch.store import open_store
from recwatch.training import liveness, process

Command = Callable[..., Any]
FIRST, SECOND = "als_20250118_031500_5d0c1e", "als_20250119_031500_a41f77"
FAILED, LOST = "bpr_20250120_031500_c0ffee", "als_20250120_041500_77ab90"


@pytest.fixture
def add(runs: Path) -> Callable[..., None]:
    """Adds a run to the store."""

    def save(run_id: str, **columns: object) -> None:
        with open_store(f"sqlite:///{runs}") as store:
            row = {"model_type": "als", "started_at": datetime.now(UTC), "status": "running"}
            store.save_run({"run_id": run_id} | row | columns)

    return save


def ids(answer: Any) -> list[str]:
    return [item["run_id"] for item in json.loads(answer.out)]


@pytest.mark.usefixtures("runs")
class TestList:
    def test_the_newest_stands_first(self, recwatch: Command) -> None:
        answer = recwatch("runs")
        assert (answer.code, answer.err) == (0, "")
        assert [line.split()[0] for line in answer.out.splitlines()[2:]] == [LOST, FAILED, SECOND, FIRST]
        assert ids(recwatch("runs", "--json")) == [LOST, FAILED, SECOND, FIRST]

    def test_a_line_holds_what_one_wants_to_know(self, recwatch: Command) -> None:
        [line] = [line for line in recwatch("runs").out.splitlines() if line.startswith(FIRST)]
        expected = "als 2025-01-18 03:15:00 1m 16s completed 0.2340 0.1890 0.8610 +30.0 %"
        assert " ".join(line.split()[1:]) == expected

    @pytest.mark.parametrize(
        ("argv", "expected"),
        [
            (["--model", "bpr"], [FAILED]),
            (["--model", "nothing"], []),
            (["--model", "a\0"], []),
            (["--model", "' OR 1=1 --"], []),
            (["--status", "completed"], [SECOND, FIRST]),
            (["--status", "failed"], [FAILED]),
            (["--status", "running"], []),
            (["--status", "lost"], [LOST]),
            (["--limit", "2"], [LOST, FAILED]),
            (["--model", "als", "--status", "completed", "--limit", "1"], [SECOND]),
        ],
    )
    def test_fewer_can_be_asked_for(self, recwatch: Command, argv: list[str], expected: list[str]) -> None:
        assert ids(recwatch("runs", "--json", *argv)) == expected

    def test_none_is_said_in_words(self, recwatch: Command) -> None:
        assert recwatch("runs", "--model", "nothing").out == "No training runs.\n"
        assert recwatch("runs", "--model", "nothing", "--json").out == "[]\n"


class TestStatus:
    def test_a_run_whose_process_is_there_is_running(
        self, recwatch: Command, add: Callable[..., None], request: pytest.FixtureRequest
    ) -> None:
        here = process.current()
        liveness.opened("now")
        request.addfinalizer(lambda: liveness.closed("now"))
        add("now", host=here.host, pid=here.pid, process_started_at=here.started_at)
        assert ids(recwatch("runs", "--json", "--status", "running")) == ["now"]
        assert float(json.loads(recwatch("run", "now", "--json").out)["seconds"]) >= 0

    def test_a_run_whose_process_ended_is_lost(self, recwatch: Command, add: Callable[..., None]) -> None:
        here = process.current()
        started = f"{(here.started_at or '').rpartition('/')[0]}/1"  # a process that had this pid at the boot
        add("gone", host=here.host, pid=os.getpid(), process_started_at=started)
        assert ids(recwatch("runs", "--json", "--status", "lost")) == ["gone", LOST]
        assert "lost: it says running, but its process is gone" in recwatch("run", "gone").out

    def test_a_run_elsewhere_is_lost_after_a_long_silence(
        self, recwatch: Command, add: Callable[..., None]
    ) -> None:
        elsewhere = {"host": "another", "pid": 1, "process_started_at": None}
        now = datetime.now(UTC)
        add("talks", heartbeat_at=now - timedelta(seconds=30), **elsewhere)
        add("silent", heartbeat_at=now - timedelta(hours=1), **elsewhere)
        assert ids(recwatch("runs", "--json", "--status", "running")) == ["talks"]
        assert "silent" in ids(recwatch("runs", "--json", "--status", "lost"))


@pytest.mark.usefixtures("runs")
class TestOne:
    def test_everything_is_shown(self, recwatch: Command) -> None:
        answer = recwatch("run", FIRST)
        assert answer.code == 0
        for part in (
            FIRST,
            "2025-01-18 03:15:00 UTC",
            "until 2025-01-18",
            "07d2e6b",
            "+30.0 % over the baseline",
        ):
            assert part in answer.out
        for name in ("factors", "regularization", "recall@10", "cross_validation.mean.rmse"):
            assert name in answer.out
        [loss] = [line for line in answer.out.splitlines() if line.startswith("loss")]
        assert loss.split()[1:] == ["█▆▅▃▃▂▂▂▁▁▁▁", "116.0", "32.20", "32.20", "at", "12"]

    def test_runs_with_a_run_id_is_the_same(self, recwatch: Command) -> None:
        assert recwatch("runs", FIRST).out == recwatch("run", FIRST).out

    def test_an_error_is_shown(self, recwatch: Command) -> None:
        assert "FloatingPointError: the loss is not finite" in recwatch("run", FAILED).out

    def test_json_holds_the_iterations(self, recwatch: Command) -> None:
        document = json.loads(recwatch("run", FIRST, "--json").out)
        assert document["hyperparameters"] == {"factors": 64, "regularization": 0.01, "iterations": 15}
        assert [item["iteration"] for item in document["iterations"]] == list(range(1, 13))
        assert document["metrics"]["cross_validation.folds"] == 5

    def test_a_typing_error_is_answered_with_the_nearest(self, recwatch: Command) -> None:
        answer = recwatch("run", f"{FIRST[:-1]}x")
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.startswith(f"recwatch: no run '{FIRST[:-1]}x': did you mean {FIRST}")
        assert answer.err.count("\n") == 1

    @pytest.mark.parametrize(
        "run_id",
        [
            "' OR '1'='1",
            "x'; DROP TABLE training_runs; --",
            '"',
            "%",
            "_" * 26,
            "als%",
            "a\0b",
            "\udcff",
            "",
            "x" * 1_000_000,
            "../../x",
            "\x1b[2J\n",
            "{run_id}",
            ":run_id",
            "?",
        ],
    )
    @pytest.mark.parametrize("command", ["run", "plot-training", "compare"])
    def test_no_run_id_is_more_than_a_run_id(self, recwatch: Command, command: str, run_id: str) -> None:
        answer = recwatch(command, run_id, *([FIRST] if command == "compare" else []))
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.startswith("recwatch: no run ")
        assert answer.err.count("\n") == 1
        assert len(answer.err) < 1_000
        assert len(ids(recwatch("runs", "--json"))) == 4
        assert not list(Path.cwd().rglob("*.png"))

    def test_a_strange_run_id_that_exists_is_found(self, recwatch: Command, add: Callable[..., None]) -> None:
        strange = "x'; DROP TABLE training_runs; -- %_\"?:a\x1b[31m"
        add(strange, status="completed", hyperparameters="not JSON", extra_metrics="[1]")
        document = json.loads(recwatch("run", "--json", strange).out)
        assert (document["run_id"], document["hyperparameters"]) == (strange, {"(damaged)": "not JSON"})
        answer = recwatch("run", strange)
        assert (answer.code, "\x1b" in answer.out) == (0, False)


def test_a_store_that_is_not_there_is_not_made(recwatch: Command, home: Path) -> None:
    answer = recwatch("runs")
    assert answer.code == 1
    assert answer.err.startswith(f"recwatch: there is no store at {home}/data/store.db: train with store_url")
    assert not (home / "data").exists()


def test_an_empty_store_says_so(recwatch: Command, home: Path) -> None:
    open_store(f"sqlite:///{home / 'data' / 'store.db'}").close()
    assert recwatch("runs").out == "No training runs.\n"
    assert recwatch("run", "x").err == "recwatch: no run 'x': the store holds no runs yet\n"


def test_another_store_is_named_by_option_or_environment(
    recwatch: Command, runs: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved.db"
    runs.rename(moved)
    assert recwatch("runs", "--store", f"sqlite:///{moved}").code == 0
    assert recwatch("runs", RECWATCH_STORE=f"sqlite:///{moved}").code == 0
    assert recwatch("runs").code == 1


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql+psycopg://me:secret@127.0.0.1:1/none",
        "postgresql://me:a@b:x/none",
        "sqlite://",
    ],
)
def test_a_store_that_cannot_be_used_costs_one_line(recwatch: Command, url: str) -> None:
    answer = recwatch("runs", "--store", url)
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "secret" not in answer.err


def test_a_file_that_is_no_store_costs_one_line(recwatch: Command, home: Path) -> None:
    (home / "text.db").write_text("This is a text, and a long one at that. " * 100)
    answer = recwatch("runs", "--store", "sqlite:///text.db")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "not a database" in answer.err
