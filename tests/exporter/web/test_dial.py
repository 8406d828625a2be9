import pytest

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.web.dial import Scale, dial

HIGH = Scale(threshold=0.1, bad=Direction.HIGH, good_end=0.0)
LOW = Scale(threshold=0.8, bad=Direction.LOW, good_end=1.0)
MIDDLE = 0.5


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (HIGH, 0.0, 0.0),
        (HIGH, 0.1, MIDDLE),
        (HIGH, 0.15, 0.75),
        (HIGH, 7.0, 1.0),
        (LOW, 1.0, 1.0),
        (LOW, 0.8, MIDDLE),
        (LOW, 0.7, 0.25),
        (LOW, -1.0, 0.0),
        (Scale(threshold=30.0, bad=Direction.HIGH, good_end=float("-inf")), 45.0, 0.75),
        (Scale(threshold=0.0, bad=Direction.HIGH, good_end=0.0), 0.5, 0.75),
    ],
)
def test_the_threshold_is_in_the_middle(scale: Scale, value: float, place: float) -> None:
    assert scale.position(value) == pytest.approx(place)


def test_the_threshold_itself() -> None:
    assert HIGH.reached(0.1)
    assert not LOW.reached(0.8)


def test_a_dial_above_its_threshold() -> None:
    assert dial(HIGH, 0.15, "a label", detected=True) == (
        '<svg class="dial" role="img" aria-label="a label" width="100%" height="16">'
        '<rect class="track" x="0%" y="7" width="100%" height="2"/>'
        '<rect class="bad" x="50%" y="4" width="50%" height="8"/>'
        '<line class="limit" x1="50%" x2="50%" y1="0" y2="16"/>'
        '<svg x="75.0%" overflow="visible"><path class="hand detected" d="M0 2 L6 8 L0 14 L-6 8 Z"/></svg>'
        "</svg>"
    )


def test_drift_lies_to_the_left_where_low_is_bad() -> None:
    drawn = dial(LOW, 0.9, "", detected=False)
    assert '<rect class="bad" x="0%" ' in drawn
    assert '<path class="hand" d="M-4.5 8 A' in drawn, "a disc"


def test_a_value_beyond_the_end_is_an_arrow_inside_the_dial() -> None:
    assert 'x="97.0%" overflow="visible"><path class="hand" d="M-6 3 L4 8' in dial(
        HIGH, 3, "", detected=False
    )
    assert 'x="3.0%" overflow="visible"><path class="hand" d="M6 3 L-4 8' in dial(LOW, -1, "", detected=False)


def test_no_value_has_no_hand() -> None:
    assert "hand" not in dial(HIGH, None, "", detected=False)
