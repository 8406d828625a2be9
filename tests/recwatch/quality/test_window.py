import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.errors import QualityError
from recwatch.quality.window import Ring, Window

# Times that go back as well as on.
Times = st.lists(st.integers(0, 50).map(float), max_size=60)


@given(Times, st.integers(1, 20), st.none() | st.integers(1, 30).map(float), st.integers(0, 60).map(float))
def test_the_window_is_the_newest_rows_that_are_young_enough(
    times: list[float], count: int, seconds: float | None, now: float
) -> None:
    ring = Ring(Window(count=count, seconds=seconds), 2)
    for place, at in enumerate(times):
        ring.push(at, (place, -at))
    newest = list(enumerate(times))[-count:]
    expected = [[place, -at] for place, at in newest if seconds is None or at > now - seconds]
    assert ring.rows(now).tolist() == expected
    assert ring.table().tolist() == [[at, place, -at] for place, at in newest]
    assert ring.joined == len(times)


def test_a_table_can_be_taken_up_again() -> None:
    ring = Ring(Window(count=3), 1)
    for place in range(5):
        ring.push(float(place), (place * 2.0,))
    other = Ring(Window(count=2), 1)
    other.extend(ring.table())
    assert other.rows(0.0).tolist() == [[6.0], [8.0]]


def test_what_was_read_does_not_change_with_the_ring() -> None:
    ring = Ring(Window(count=2), 1)
    ring.push(0.0, (1.0,))
    rows = ring.rows(0.0)
    ring.push(0.0, (2.0,))
    ring.push(0.0, (3.0,))
    assert rows.tolist() == [[1.0]]
    assert not np.shares_memory(ring.rows(0.0), ring.table())


def test_a_row_has_its_width() -> None:
    with pytest.raises(Exception, match="pack_into expected"):
        Ring(Window(), 2).push(0.0, (1.0,))


@pytest.mark.parametrize(
    "settings", [{"count": 0}, {"count": 1.5}, {"count": 10**9}, {"seconds": 0}, {"seconds": float("nan")}]
)
def test_settings_are_checked(settings: dict[str, float]) -> None:
    with pytest.raises(QualityError, match="a window's"):
        Window(**settings)  # type: ignore[arg-type]
