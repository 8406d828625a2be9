import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recommender.data import ensure_history, read_all
from recommender.embeddings import build_titles
from recommender.factors import FactorModel
from recommender.fitters import AlsFitter
from recommender.fitting import DEFAULTS
from recommender.interactions import RATING, Interactions
from recommender.paths import Home
from recommender.service import create_app
from recommender.settings import Settings
from recommender.training_set import TrainingSet
from recwatch.registry import Manifest, ModelRegistry
from recwatch.testing import wait_until

TRAINED_AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
Row = tuple[int, int, float, int]
MakeRatings = Callable[[Sequence[Row]], Interactions]


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread() -> Iterator[None]:
    """As `train` does it: implicit warns otherwise, and warnings are errors here."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(scope="session")
def make_ratings() -> MakeRatings:
    """Builds ratings from rows of user, item, stars, and seconds after 2003 began."""

    def make(rows: Sequence[Row]) -> Interactions:
        seconds = np.array([row[3] for row in rows], dtype="timedelta64[s]")
        timestamp = np.datetime64("2003-01-01", "us") + seconds
        return Interactions(
            user_id=np.array([row[0] for row in rows], dtype=np.int64),
            item_id=np.array([row[1] for row in rows], dtype=np.int64),
            rating=np.array([row[2] for row in rows], dtype=np.float64),
            event=np.full(len(rows), RATING),
            timestamp=timestamp,
            observed_at=timestamp,
        )

    return make


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Real MovieLens history, catalogue and title embeddings; read-only, shared by all tests."""
    home = Home(tmp_path_factory.mktemp("prepared"))
    ensure_history(home)
    build_titles(home, now=datetime(2003, 5, 1, tzinfo=UTC), reason="test", metrics=CollectorRegistry())
    # The store is closed off the pipeline's path, and removes a file then that a copy would stumble over.
    wait_until(lambda: "recwatch-pipeline-rows" not in {thread.name for thread in threading.enumerate()})
    return home


@pytest.fixture
def home(tmp_path: Path, prepared_home: Home) -> Home:
    """A home of the test's own with MovieLens history, catalogue and title embeddings."""
    shutil.copytree(prepared_home.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def rows() -> Callable[[Home, str], list[dict[str, Any]]]:
    """What a query of a home's store gives."""

    def read(home: Home, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(home.root / "data" / "store.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    return read


@pytest.fixture(scope="session")
def trained(prepared_home: Home) -> FactorModel:
    """An ALS model of the real history, for tests that only serve it."""
    data = TrainingSet.of(read_all(prepared_home).ratings())
    fitter = AlsFitter(data, DEFAULTS["als"], seed=0)
    for _ in range(3):
        fitter.step()
    return fitter.model()


PublishModel = Callable[[Home, FactorModel], str]


@pytest.fixture
def publish_model() -> PublishModel:
    """Publishes a model as the next version of `als` and promotes it; returns the version."""

    def publish(home: Home, model: FactorModel) -> str:
        registry = ModelRegistry(home.artifacts("als"))
        version = registry.new_version(TRAINED_AT)
        manifest = Manifest(model="als", version=version, trained_at=TRAINED_AT, data_version="test")
        with registry.publish(version) as folder:
            model.save(folder / "model.npz")
            manifest.write(folder)
        registry.promote(version, reason="test")
        return version

    return publish


@dataclass(frozen=True)
class Running:
    """A service that runs on a port of its own."""

    url: str
    app: FastAPI
    http: requests.Session

    def post(self, path: str, body: object, **headers: str) -> requests.Response:
        return self.http.post(self.url + path, json=body, headers=headers, timeout=20)

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path, timeout=20)


Serve = Callable[[Settings], AbstractContextManager[Running]]


@pytest.fixture
def serve(registry: CollectorRegistry) -> Serve:
    """Runs the service by a real uvicorn on a free port until the block ends."""

    @contextmanager
    def run(settings: Settings) -> Iterator[Running]:
        app = create_app(settings, registry=registry)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        with socket.create_server(("127.0.0.1", 0)) as listener, requests.Session() as http:
            thread = threading.Thread(target=server.run, args=[[listener]])
            thread.start()
            try:
                wait_until(lambda: server.started or not thread.is_alive(), timeout=30)
                yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", app, http)
            finally:
                server.should_exit = True
                thread.join()

    return run


@pytest.fixture
def settings(home: Home, tmp_path: Path) -> Settings:
    (tmp_path / "token").write_text("let me in\n")
    return Settings(home, admin_token_file=tmp_path / "token", flush_seconds=0.05)


@pytest.fixture
def version(home: Home, publish_model: PublishModel, trained: FactorModel) -> str:
    return publish_model(home, trained)


@pytest.fixture
def known_user(trained: FactorModel) -> int:
    return int(trained.user_id[0])


@pytest.fixture
def ticking_clock() -> Callable[[], datetime]:
    """A clock that goes on by a second at each look."""
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=tick) for tick in range(10_000))
    return lambda: next(moments)
