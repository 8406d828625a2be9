"""Rows over time, and the same stretch of it in every season, such as the same day of every week."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import IntArray

_SLACK = 1e-6  # seconds: times are written in whole microseconds


@dataclass(frozen=True)
class Volume:
    """Rows of each short stretch of time.

    Attributes:
        counts: (stretches,) oldest first.
        step: how long a stretch is, in seconds.
        end: when the newest one ends, in seconds since 1970.
    """

    counts: FloatArray
    step: float
    end: float

    @property
    def begin(self) -> float:
        """When the oldest stretch begins."""
        return self.end - self.step * len(self.counts)

    def before(self, time: float) -> Self:
        """What lies before a time, in whole stretches."""
        late = max(0, int(np.ceil((self.end - time) / self.step - _SLACK)))
        kept = max(0, len(self.counts) - late)
        return replace(self, counts=self.counts[:kept], end=self.begin + self.step * kept)

    def between(self, starts: FloatArray, stops: FloatArray) -> FloatArray:
        """Rows from each start to each stop; of a stretch that is cut, in proportion."""
        total = np.concatenate([[0.0], np.cumsum(self.counts)])

        def until(times: FloatArray) -> FloatArray:
            place = (times - self.begin) / self.step
            whole = np.rint(place)
            place = np.where(np.abs(place - whole) * self.step < _SLACK, whole, place)
            return np.asarray(np.interp(place, np.arange(len(total)), total), dtype=np.float64)

        return until(stops) - until(starts)


@dataclass(frozen=True)
class Expected:
    """What a stretch of time holds by the seasons of the reference.

    Attributes:
        rows: how many; NaN where the reference has no such stretch.
        weight: of how many such stretches that is the mean.
        typical: mean of its periods' rows, each period weighted by its rows.
    """

    rows: float
    weight: float
    typical: float


def expected(volume: Volume, start: float, stop: float, *, period: float, season: float) -> Expected:
    """How many rows come in a stretch of time, by what came at the same time of other seasons.

    Args:
        volume: the reference.
        start: of the stretch, in seconds since 1970.
        stop: its end, after the start.
        period: seconds; the stretch is taken apart into so long pieces, back from its end.
        season: seconds, a whole multiple of `period`.
    """
    pieces = max(1, int(np.ceil((stop - start) / period - _SLACK)))
    phases = round(season / period)
    part = stop - (pieces - 1) * period - start < period - _SLACK  # of the oldest piece
    rows = squares = uncertain = 0.0
    for first in range(min(pieces, phases)):
        same = np.arange(first, pieces, phases)
        parts = [(len(same), first)]
        if part and same[-1] == pieces - 1 and len(same) > 1:
            parts = [(len(same) - 1, first), (1, int(same[-1]))]
        for often, piece in parts:
            end = stop - piece * period
            found = _matched(volume, max(start, end - period), end, season)
            if not len(found):
                return Expected(float("nan"), 0.0, float("nan"))
            mean = float(found.mean())
            rows += often * mean
            squares += often * mean**2
            uncertain += often**2 * mean / len(found)
    return Expected(rows, rows / uncertain, squares / rows) if rows > 0 else Expected(0.0, 1.0, 0.0)


def _matched(volume: Volume, start: float, stop: float, season: float) -> FloatArray:
    """Rows of the same stretch in every other season that the volume holds."""
    seasons = np.arange(
        np.ceil((stop - volume.end - _SLACK) / season), np.floor((start - volume.begin + _SLACK) / season) + 1
    )
    seasons = seasons[seasons != 0]
    return volume.between(start - seasons * season, stop - seasons * season)


def tiled(
    volume: Volume, stop: float, *, unit: float, every: float, season: float
) -> tuple[FloatArray, IntArray]:
    """Rows of one stretch of every period, and at which time of the season each is.

    Args:
        volume: the reference.
        stop: a time at which a stretch ends, in this or in another season.
        unit: how long a stretch is, in seconds, at most a period.
        every: the period, after which the next one ends, in seconds.
        season: seconds, a whole multiple of the period.

    Returns:
        (stretches,) rows and (stretches,) phases, oldest first.
    """
    phases = round(season / every)
    newest = np.floor((volume.end - stop + _SLACK) / every)
    oldest = np.ceil((volume.begin - stop + unit - _SLACK) / every)
    numbers = np.arange(oldest, newest + 1)
    stops = stop + numbers * every
    return volume.between(stops - unit, stops), np.mod(-numbers, phases).astype(np.int64)
