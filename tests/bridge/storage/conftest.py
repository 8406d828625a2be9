"""A store on each of the two databases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recwatch_bridge.storage.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/bridge.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def open_store() -> Iterator[Callable[[str], Store]]:
    """Opens stores that do not wait long."""
    opened: list[Store] = []

    def make(url: str) -> Store:
        opened.append(Store(url, lock_timeout=0.2))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def any_store(url: str, open_store: Callable[[str], Store]) -> Store:
    """A store on either database."""
    return open_store(url)
