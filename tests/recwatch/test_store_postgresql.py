"""The tables of record on a real PostgreSQL."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from recwatch.store import open_store
from recwatch.testing import free_port
from recwatch.training import TrainingRun

REMEDY = "apt-get install postgresql"


class Require(Protocol):
    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None: ...


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl, which Debian keeps off PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _as_nobody_special(argv: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]
        if os.getuid() == 0
        else [*argv]
    )


@pytest.fixture(scope="module")
def postgresql(require_component: Require) -> Iterator[str]:
    """The URL of an empty database on a server of our own."""
    programs = _programs()
    require_component("PostgreSQL", is_there=programs is not None, remedy=REMEDY)
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="recwatch-pg-") as name:
        folder, port = Path(name), free_port()
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, log = str(folder / "data"), str(folder / "log")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"

        def run(*argv: str) -> None:
            command = _as_nobody_special([str(programs / argv[0]), *argv[1:]])
            subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=60)

        run("initdb", "-D", data, "-U", "recwatch", "--auth=trust", "--no-sync")
        run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://recwatch@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def test_a_run_and_its_iterations_come_back_as_they_were_written(postgresql: str) -> None:
    at = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
    with open_store(postgresql) as store:
        store.save_run({"run_id": "pg_1", "model_type": "pg", "started_at": at, "status": "running"})
        store.save_run(
            {"run_id": "pg_1", "status": "completed", "ndcg_at_10": 0.125},
            [{"iteration": 1, "timestamp": at, "loss": 0.5}, {"iteration": 2, "timestamp": at, "loss": 0.25}],
        )
    with open_store(postgresql) as store:
        (run,) = store.runs("pg")
        assert (run["started_at"], run["status"], run["ndcg_at_10"]) == (at, "completed", 0.125)
        assert [row["loss"] for row in store.iterations("pg_1")] == [0.5, 0.25]
        assert store.run_counts("pg") == {"completed": 1}


def test_a_training_is_recorded_there(postgresql: str, tmp_path: Path) -> None:
    with TrainingRun("watched", parameters={"factors": 8}, store_url=postgresql, log_dir=tmp_path) as run:
        run.iteration(1, 2, loss=0.5, seconds=0.1)
        run.iteration(2, 2, loss=0.25, seconds=0.1)
        run.evaluation({"ndcg@10": 0.1})
    with open_store(postgresql) as store:
        (row,) = store.runs("watched")
        assert (row["status"], row["ndcg_at_10"]) == ("completed", 0.1)
        assert len(store.iterations(row["run_id"])) == 2
