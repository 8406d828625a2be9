from recwatch_exporter.checks.base import Direction
from recwatch_exporter.process.state import Point
from recwatch_exporter.web.dial import Scale
from recwatch_exporter.web.trend import trend

SCALE = Scale(threshold=0.5, bad=Direction.HIGH, good_end=0.0)


def point(at: float, effect_size: float | None, *, detected: bool = False) -> Point:
    return Point(at, effect_size, effect_size, None, detected)


def test_runs_over_time() -> None:
    drawn = trend([point(0, 0.0), point(30, 0.0), point(100, 1.0, detected=True)], SCALE, "past", height=64)

    # 0 to 1 and 8 % free above and below: 0.5 is in the middle, 0 and 1 lie 4 px inside the margin of 3 px.
    assert drawn == (
        '<svg class="trend" role="img" aria-label="past" width="100%" height="64">'
        '<line class="limit" x1="0%" x2="100%" y1="32" y2="32"/>'
        '<line class="past" x1="2.0%" x2="30.8%" y1="57" y2="57"/>'
        '<line class="past" x1="30.8%" x2="98.0%" y1="57" y2="7"/>'
        '<svg x="98.0%" y="7" overflow="visible"><path class="drift" d="M0 -4 L4 0 L0 4 L-4 0 Z"/></svg>'
        "</svg>"
    )


def test_the_last_run_without_drift_is_a_disc() -> None:
    assert trend([point(0, 0.1), point(1, 0.2)], SCALE, "", height=64).count("<circle") == 1


def test_a_run_without_a_figure_leaves_a_gap() -> None:
    drawn = trend([point(0, 0.1), point(1, None), point(2, 0.2), point(3, 0.2)], SCALE, "", height=64)
    assert drawn.count('class="past"') == 1
    assert drawn.count("<circle") == 2, "the first stands alone, the last is the last"


def test_runs_at_one_time_stand_in_order() -> None:
    drawn = trend([point(5, 0.1), point(5, 0.2)], SCALE, "", height=64)
    assert 'x1="50.0%" x2="98.0%"' in drawn


def test_equal_values_and_none_at_all() -> None:
    flat = Scale(threshold=0.0, bad=Direction.HIGH, good_end=0.0)
    assert "nan" not in trend([point(0, 0.0), point(1, 0.0)], flat, "", height=64)
    assert "line" in trend([], SCALE, "", height=64)


def test_marks_are_smaller_where_there_are_many() -> None:
    many = [point(at, 0.9, detected=True) for at in range(30)]
    assert "M0 -3 L3 0" in trend(many, SCALE, "", height=34)
    assert "M0 -4 L4 0" in trend(many, SCALE, "", height=110)
