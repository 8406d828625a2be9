from typing import Any

import pytest
from sqlalchemy.exc import DataError, OperationalError

from recwatch_bridge.errors import ResultError, StoreBusyError
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.failing import Failing, is_trouble_of_the_database
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.store import Store


@pytest.fixture
def run(store: Store) -> Run:
    with store.write() as connection:
        return runs.get(connection, runs.create(connection, "als", "manual", not_before=0.0, now=0.0))


def test_ten_minutes_are_enough(run: Run, clock: Any) -> None:
    failing = Failing(clock)
    assert not failing.lasts(run)
    clock.now += 599
    assert not failing.lasts(run)
    clock.now += 1
    assert failing.lasts(run)
    failing.over()
    assert not failing.lasts(run)


def test_a_clock_that_was_set_back_and_another_run_begin_anew(run: Run, clock: Any) -> None:
    failing = Failing(clock)
    failing.lasts(run)
    clock.now -= 86_400
    assert not failing.lasts(run)
    clock.now += 600
    assert failing.lasts(run)
    other = runs.Run(**{**vars(run), "state": "gating"})
    assert not failing.lasts(other)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OperationalError("", {}, OSError()), True),
        (StoreBusyError("busy"), True),
        (DataError("", {}, ValueError("a NUL")), False),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), False),
        (ResultError("none"), False),
    ],
)
def test_what_the_database_refuses_for_good_is_no_trouble_of_it(error: Exception, *, passes: bool) -> None:
    assert is_trouble_of_the_database(error) == passes
