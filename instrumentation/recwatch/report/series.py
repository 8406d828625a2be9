"""What Prometheus answers, as plain data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Answers", "Key", "Series"]

Key = tuple[str, ...]
"""Values of labels, in the order in which they were asked for."""


@dataclass(frozen=True)
class Series:
    """A metric over time, or at one moment.

    Attributes:
        labels: what it is told apart by.
        times: seconds since the epoch, rising.
        values: as many; NaN and infinities among them.
    """

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Answers:
    """What was found, by the question's name.

    Attributes:
        now: what the questions about the period gave.
        before: the same of the period before.
        failed: why a question has no answer, one line each.
    """

    now: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    before: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def values(
        self, name: str, *labels: str, before: bool = False, infinite: bool = False
    ) -> dict[Key, float]:
        """Return the last value of each series by its labels, the largest where several have the same.

        What is not finite is left out; with `infinite`, what is no number alone.
        """
        found: dict[Key, float] = {}
        for one in (self.before if before else self.now).get(name, ()):
            value = one.values[-1]
            if math.isfinite(value) or (infinite and math.isinf(value)):
                key = tuple(one.labels.get(label, "") for label in labels)
                found[key] = max(value, found.get(key, value))
        return found

    def courses(self, name: str, *labels: str) -> dict[Key, Series]:
        """Return each series by its labels; the first one where several have the same."""
        found: dict[Key, Series] = {}
        for one in self.now.get(name, ()):
            found.setdefault(tuple(one.labels.get(label, "") for label in labels), one)
        return found

    def of_models(self, models: frozenset[str]) -> "Answers":
        """Leave out what is about other models alone, drift checks among it; no models are all models."""
        if not models:
            return self
        about = [(_check(one), one.labels.get("model", "")) for one in self.now.get("drift_models", ())]
        others = {check for check, _ in about} - {check for check, model in about if model in models | {""}}

        def kept(found: Mapping[str, tuple[Series, ...]]) -> dict[str, tuple[Series, ...]]:
            return {
                name: tuple(
                    one
                    for one in series
                    if one.labels.get("model", "") in models | {""} and _check(one) not in others
                )
                for name, series in found.items()
            }

        return Answers(kept(self.now), kept(self.before), self.failed)


def _check(one: Series) -> tuple[str | None, str | None]:
    """Name a drift check: two exporters may have one of the same name."""
    return one.labels.get("service"), one.labels.get("check")
