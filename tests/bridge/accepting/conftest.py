"""Accepting on each of the two databases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.storage.store import Store

HOUR = 3600.0


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on either database."""
    url = f"sqlite:///{tmp_path}/data/bridge.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    opened = Store(url, lock_timeout=0.2)
    yield opened
    opened.close()


@pytest.fixture
def reminding(store: Store, metrics: BridgeMetrics, clock: Callable[[], float]) -> Acceptor:
    """Reminds by email after an hour, and never by Slack."""
    return Acceptor(
        store,
        limits={"als": Limits(cooldown=HOUR, max_per_day=3)},
        metrics=metrics,
        clock=clock,
        wake=lambda: None,
        remind_after={"email": HOUR},
    )
