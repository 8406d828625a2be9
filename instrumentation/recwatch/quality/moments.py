"""Count, mean and variance of a stream, kept so that two parts can be put together."""

from typing import NamedTuple

__all__ = ["NONE", "Moments"]


class Moments(NamedTuple):
    """What a mean and its variance need.

    Attributes:
        samples: observations.
        mean: of them.
        squares: sum of squared deviations from the mean.
    """

    samples: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def plus(self, value: float) -> "Moments":
        """One observation more.

        Welford 1962, "Note on a method for calculating corrected sums of squares", Technometrics 4.
        """
        count = self.samples + 1
        off = value - self.mean
        mean = self.mean + off / count
        return Moments(count, mean, self.squares + off * (value - mean))

    def merge(self, other: "Moments") -> "Moments":
        """Both together.

        Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", American Statistician
        37, eq. 1.5.
        """
        if not self.samples or not other.samples:
            return other if not self.samples else self
        count = self.samples + other.samples
        off = other.mean - self.mean
        return Moments(
            count,
            self.mean + off * other.samples / count,
            self.squares + other.squares + off * off * self.samples * other.samples / count,
        )

    @property
    def variance(self) -> float:
        """Of one observation, unbiased; 0 for fewer than two."""
        return self.squares / (self.samples - 1) if self.samples > 1 else 0.0


NONE = Moments()
