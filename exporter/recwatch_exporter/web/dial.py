"""The dial: where a value stands, where its threshold lies, and on which side of it drift is."""

from dataclasses import dataclass
from math import isfinite

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.web.markup import Markup, tag

_HEIGHT, _MIDDLE = 16, 8
_EDGE = 0.03


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a dial stands for.

    Attributes:
        threshold: always in the middle of the dial, so that many of them are read at one glance.
        bad: whether drift is above the threshold (it is to the right) or below it (to the left).
        good_end: the value that is as far from drift as can be; infinite where there is none.
    """

    threshold: float
    bad: Direction
    good_end: float

    def position(self, value: float) -> float:
        """Where a value stands: 0 at the left end or beyond it, 0.5 at the threshold, 1 at the right end."""
        span = abs(self.good_end - self.threshold)
        if not (isfinite(span) and span > 0):
            span = abs(self.threshold) or 1.0
        return min(1.0, max(0.0, 0.5 + (value - self.threshold) / (2 * span)))

    def reached(self, value: float) -> bool:
        """Whether a value is on the side of drift; the threshold itself is where high is bad."""
        return value >= self.threshold if self.bad is Direction.HIGH else value < self.threshold


def dial(scale: Scale, value: float | None, label: str, *, detected: bool) -> Markup:
    """Draw a dial, as wide as there is room.

    The side of drift is thick, the other one thin; a value there is a diamond, elsewhere a disc, and one that
    lies beyond the dial's end an arrow: nothing is said by colour alone.

    Args:
        scale: what the dial stands for.
        value: None draws the dial without a hand.
        label: what a screen reader says.
        detected: whether it is drift; a value may reach the threshold by chance, or with too few rows.
    """
    high = scale.bad is Direction.HIGH
    parts = [
        tag("rect", class_="track", x="0%", y=_MIDDLE - 1, width="100%", height=2),
        tag("rect", class_="bad", x="50%" if high else "0%", y=_MIDDLE - 4, width="50%", height=8),
        tag("line", class_="limit", x1="50%", x2="50%", y1=0, y2=_HEIGHT),
    ]
    if value is not None:
        parts.append(_hand(scale, value, detected=detected))
    return tag("svg", parts, class_="dial", role="img", aria_label=label, width="100%", height=_HEIGHT)


def _hand(scale: Scale, value: float, *, detected: bool) -> Markup:
    place = scale.position(value)
    kind = "hand detected" if detected else "hand"
    if place <= 0 or place >= 1:
        shape = "M6 3 L-4 8 L6 13 Z" if place <= 0 else "M-6 3 L4 8 L-6 13 Z"
    elif scale.reached(value):
        shape = "M0 2 L6 8 L0 14 L-6 8 Z"
    else:
        shape = "M-4.5 8 A4.5 4.5 0 1 1 4.5 8 A4.5 4.5 0 1 1 -4.5 8 Z"
    inside = min(1 - _EDGE, max(_EDGE, place))
    # A nested svg takes a place in per cent; a path does not.
    return tag("svg", tag("path", class_=kind, d=shape), x=f"{100 * inside:.1f}%", overflow="visible")
