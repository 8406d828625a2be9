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
    """

    rows: float
    weight: float


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
    rows = uncertain = 0.0
    for first in range(min(pieces, phases)):
        same = np.arange(first, pieces, phases)
        parts = [(len(same), first)]
        if part and same[-1] == pieces - 1 and len(same) > 1:
            parts = [(len(same) - 1, first), (1, int(same[-1]))]
        for often, piece in parts:
            end = stop - piece * period
            found = _matched(volume, max(start, end - period), end, season)
            if not len(found):
                return Expected(float("nan"), 0.0)
            rows += often * float(found.mean())
            uncertain += often**2 * float(found.mean()) / len(found)
    return Expected(rows, rows / uncertain if uncertain > 0 else 1.0)


def _matched(volume: Volume, start: float, stop: float, season: float) -> FloatArray:
    """Rows of the same stretch in every other season that the volume holds."""
    seasons = np.arange(
        np.ceil((stop - volume.end - _SLACK) / season), np.floor((start - volume.begin + _SLACK) / season) + 1
    )
    seasons = seasons[seasons != 0]
    return volume.between(start - seasons * season, stop - seasons * season)


def tiled(volume: Volume, stop: float, *, unit: float, season: float) -> tuple[FloatArray, IntArray]:
    """Rows of stretches of one length, and at which time of the season each is.

    Args:
        volume: the reference.
        stop: a time at which a stretch ends, in this or in another season.
        unit: how long a stretch is, in seconds, at most a season.
        season: seconds.

    Returns:
        (stretches,) rows and (stretches,) phases, oldest first.
    """
    phases = int(np.floor(season / unit + _SLACK))
    first = np.floor((stop - volume.end) / season) - 1
    last = np.ceil((stop - volume.begin) / season) + 1
    grid = np.arange(last, first - 1, -1)[:, np.newaxis] * season
    phase = np.arange(phases - 1, -1, -1)
    stops = (stop - grid - phase * unit).ravel()
    inside = (stops - unit >= volume.begin - _SLACK) & (stops <= volume.end + _SLACK)
    stops = stops[inside]
    found = np.tile(phase, len(grid))[inside].astype(np.int64)
    return volume.between(stops - unit, stops), found
