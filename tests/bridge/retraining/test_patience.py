"""Trying again what may pass."""

import pytest

from recwatch.errors import RegistryError
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.retraining.patience import LIMIT, Patience, may_pass

FULL = OSError("No space left on device")


def caused(cause: Exception | None) -> RegistryError:
    error = RegistryError("als: the folder cannot be written")
    error.__cause__ = cause
    return error


def test_tries_become_rarer_and_end_after_ten_minutes() -> None:
    patience, now = Patience(), 1_000.0
    waits = []
    while (wait := patience.failed("run", FULL, now)) is not None:
        assert patience.wait("run", now) == wait
        waits.append(wait)
        now += wait
    assert waits[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert max(waits) == 30.0
    assert LIMIT <= now - 1_000.0 < LIMIT + 30
    assert patience.wait("run", now) == 0.0


def test_what_succeeded_is_forgotten_and_others_do_not_wait() -> None:
    patience = Patience()
    patience.failed("run", FULL, 0.0)
    assert (patience.wait("run", 0.4), patience.wait("other", 0.4)) == (0.6, 0.0)
    patience.forget("run")
    assert patience.wait("run", 0.4) == 0.0


def test_clock_that_is_set_back_lets_it_be_tried_at_once() -> None:
    patience = Patience()
    patience.failed("run", FULL, 10_000.0)
    assert patience.wait("run", 5_000.0) == 0.0
    assert patience.failed("run", FULL, 5_000.0) == 2.0
    assert patience.failed("run", FULL, 5_000.0 + LIMIT) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FULL, True),
        (PrometheusError("no answer"), True),
        (caused(FULL), True),
        (caused(TimeoutError()), True),
        (caused(ValueError("damaged")), False),
        (caused(None), False),
    ],
)
def test_what_may_pass(error: Exception, expected: bool) -> None:  # noqa: FBT001
    assert may_pass(error) is expected
    assert (Patience().failed("run", error, 0.0) is not None) is expected
