"""The programs of docs/quickstart.md and docs/adopting.md run as they stand there, under real servers."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from recwatch.testing import free_port, wait_until

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_CODE = re.compile(r"`(\w+)`")
_MOST_LINES = 20

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def programs(root: Path) -> list[str]:
    return _BLOCK.findall((root / "docs" / "quickstart.md").read_text(encoding="utf-8"))


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start a server in a folder that holds the program as app.py."""

    @contextmanager
    def run(program: str, *command: str) -> Iterator[str]:
        (tmp_path / "app.py").write_text(program, encoding="utf-8")
        port = free_port()
        argv = [sys.executable, "-m", *(word.format(port=port) for word in command)]
        with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:

            def ready() -> bool:
                if process.poll() is not None:
                    assert process.stderr is not None
                    pytest.fail(process.stderr.read())
                try:
                    return requests.get(f"{url}/metrics", timeout=5).ok
                except requests.ConnectionError:
                    return False

            url = f"http://127.0.0.1:{port}"
            try:
                wait_until(ready, timeout=60)
                yield url
            finally:
                process.terminate()
                process.communicate(timeout=30)

    return run


def test_each_is_short(programs: list[str]) -> None:
    lengths = [sum(1 for line in program.splitlines() if line.strip()) for program in programs]
    assert len(lengths) == 3
    assert max(lengths) < _MOST_LINES


def test_a_fastapi_service(programs: list[str], serve: Serve, tmp_path: Path) -> None:
    with serve(programs[0], "uvicorn", "app:app", "--port", "{port}") as url:
        assert requests.get(f"{url}/recommend/7", timeout=10).json() == [318, 858, 260]
        text = requests.get(f"{url}/metrics", timeout=10).text
    assert 'http_requests_total{method="GET",route="/recommend/{user_id}",status="200"} 1.0' in text
    assert 'recommender_requests_total{model="als",outcome="success",variant="default"} 1.0' in text
    assert 'recommender_model_info{model="als",version="v1"} 1.0' in text
    assert _rows(tmp_path, "SELECT user_id, topk, num_recommendations FROM requests") == [("7", 3, 3)]


def test_a_django_project(programs: list[str], serve: Serve) -> None:
    with serve(programs[1], "gunicorn", "app", "--bind", "127.0.0.1:{port}") as url:
        assert requests.get(f"{url}/suggestions/7", timeout=10).json() == {"items": [318, 858, 260]}
        text = requests.get(f"{url}/metrics", timeout=10).text
    assert 'http_requests_total{method="GET",route="/suggestions/{user_id}",status="200"} 1.0' in text
    assert 'recommender_requests_total{model="svd",outcome="success",variant="default"} 1.0' in text
    assert 'recommender_model_info{model="svd",version="v1"} 1.0' in text


def test_a_trainer(programs: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(programs[2], encoding="utf-8")
    command = [sys.executable, "train.py"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120, capture_output=True)
    assert _rows(tmp_path, "SELECT status FROM training_runs") == [("completed",)]
    losses = "SELECT count(*), max(loss) > min(loss), min(loss) > 0 FROM iteration_metrics"
    assert _rows(tmp_path, losses) == [(10, True, True)]
    listed = subprocess.run(
        [sys.executable, "-m", "recwatch.cli", "runs"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "als" in listed.stdout
    assert "completed" in listed.stdout


def test_a_version_goes_from_the_trainer_to_the_service(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = _BLOCK.findall((root / "docs" / "adopting.md").read_text(encoding="utf-8"))
    (tmp_path / "adopting.py").write_text(program + "\nprint(metrics.version == current == version)\n")
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "adopting.py"]
    done = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    assert done.stdout == "True\n"
    run = "SELECT status, improvement_pct > 70, artifacts_path LIKE 'artifacts/als/v1_%' FROM training_runs"
    assert _rows(tmp_path, run) == [("completed", True, True)]


def test_every_extra_is_in_the_table(root: Path) -> None:
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    page = (root / "docs" / "adopting.md").read_text(encoding="utf-8")
    named = {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in _CODE.findall(line.split("|")[1])
    }
    # What the stack without docker, the example and `make setup` install is no part of a user's installation.
    assert named == set(extras) - {"local", "recommender", "all"}


def _rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(f"sqlite:///{folder / 'data' / 'store.db'}")
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return rows
