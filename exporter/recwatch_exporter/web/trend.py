"""A check's past: effect sizes over time against the threshold, runs with drift marked."""

from collections.abc import Sequence

from recwatch_exporter.process.state import Point
from recwatch_exporter.web.dial import Scale
from recwatch_exporter.web.markup import Markup, tag

_PADDING = 0.08
_MANY, _LOW = 20, 30  # marks that find room in a small picture, and how low one is
_LARGE, _SMALL = "M0 -4 L4 0 L0 4 L-4 0 Z", "M0 -3 L3 0 L0 3 L-3 0 Z"
_INSET = 2.0  # per cent left free at both sides, so that marks are whole


def trend(points: Sequence[Point], scale: Scale, label: str, *, height: float) -> Markup:
    """Draw runs over time, as wide as there is room.

    A line joins values of runs that follow each other; a run with drift is a diamond, the last one a disc
    where it is none, and the threshold a dashed line.

    Args:
        points: in order of time; runs at one time stand apart by their order.
        scale: says where the threshold lies.
        label: what a screen reader says.
        height: in pixels.
    """
    low, high = _span(points, scale.threshold)

    def down(value: float) -> float:
        return 3 + (height - 6) * (high - value) / (high - low)

    across = _places(points)
    limit = down(scale.threshold)
    parts = [tag("line", class_="limit", x1="0%", x2="100%", y1=limit, y2=limit)]
    crowded = len(points) > _MANY * (height // _LOW)
    heights = [None if point.effect_size is None else down(point.effect_size) for point in points]
    for y1, y2, x1, x2 in zip(heights, heights[1:], across, across[1:], strict=False):
        if y1 is not None and y2 is not None:
            parts.append(tag("line", class_="past", x1=x1, x2=x2, y1=y1, y2=y2))
    for place, (point, x, y) in enumerate(zip(points, across, heights, strict=True)):
        if y is None:
            continue
        if point.detected:
            diamond = tag("path", class_="drift", d=_SMALL if crowded else _LARGE)
            parts.append(tag("svg", diamond, x=x, y=y, overflow="visible"))
        elif place == len(points) - 1 or _alone(heights, place):
            parts.append(tag("circle", class_="point", cx=x, cy=y, r=2))
    return tag("svg", parts, class_="trend", role="img", aria_label=label, width="100%", height=height)


def _alone(heights: Sequence[float | None], place: int) -> bool:
    """Whether no line leads to this run, so that it would not be seen without a mark."""
    neighbours = (*heights[max(0, place - 1) : place], *heights[place + 1 : place + 2])
    return all(height is None for height in neighbours)


def _span(points: Sequence[Point], threshold: float) -> tuple[float, float]:
    values = [threshold, *(point.effect_size for point in points if point.effect_size is not None)]
    low, high = min(values), max(values)
    free = (high - low) * _PADDING or abs(high) * _PADDING or 1.0
    return low - free, high + free


def _places(points: Sequence[Point]) -> list[str]:
    """Where each run stands, in per cent: by time, or by order where there is but one time."""
    if not points:
        return []
    first, last = points[0].at, points[-1].at
    wide = 100 - 2 * _INSET
    if last > first:
        shares = [(point.at - first) / (last - first) for point in points]
    else:
        shares = [(place + 1) / len(points) for place in range(len(points))]
    return [f"{_INSET + wide * share:.1f}%" for share in shares]
