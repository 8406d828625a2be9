import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recommender.data import ensure_history, read_catalogue
from recommender.embeddings import publish_titles
from recommender.interactions import RATING, Interactions
from recommender.paths import Home

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
    publish_titles(home, read_catalogue(home), now=datetime(2003, 5, 1, tzinfo=UTC), reason="test")
    return home


@pytest.fixture
def home(tmp_path: Path, prepared_home: Home) -> Home:
    """A home of the test's own with MovieLens history, catalogue and title embeddings."""
    shutil.copytree(prepared_home.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def ticking_clock() -> Callable[[], datetime]:
    """A clock that goes on by a second at each look."""
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=tick) for tick in range(10_000))
    return lambda: next(moments)
