"""Which rows belong to which window."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Span:
    """A stretch of event time: later than `after`, up to and including `until`; None means no end there."""

    after: datetime | None = None
    until: datetime | None = None


EVERYTHING = Span()


def reference_span(newest: datetime | None, window: timedelta | None) -> Span:
    """The newest `window` of the reference, or all of it.

    Args:
        newest: the newest event of the reference; None where it has none.
        window: how far back from there; None takes everything.
    """
    if newest is None or window is None:
        return Span()
    return Span(after=newest - window, until=newest)


def length_of(span: Span, oldest: datetime | None, newest: datetime | None) -> timedelta | None:
    """How long a window watched; None where nothing says it.

    Args:
        span: of the window; what it leaves open is as far as there are events.
        oldest: the first event of the data.
        newest: the last one.
    """
    start, end = span.after or oldest, span.until or newest
    if start is None or end is None or end <= start:
        return None
    return end - start


def current_span(end: datetime | None, window: timedelta | None, not_before: datetime | None) -> Span:
    """The `window` that ends at `end`, without what the reference already holds.

    Args:
        end: the newest event, or the clock's time, as the configuration says.
        window: how far back from there; None takes everything.
        not_before: the newest event of the reference, where the windows must be disjoint.
    """
    if end is None or window is None:
        return Span(after=not_before)
    start = end - window
    if not_before is not None and not_before > start:
        start = not_before
    return Span(after=start, until=end)
