"""How things look: no two are told apart by red and green, and lines differ by their dashes too.

Blue is well, orange asks for a look, red for action. Series that stand for one thing each have the colours of
Okabe and Ito (2008), which people with any colour vision tell apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

WELL, LOOK, ACT, PLAIN = "blue", "orange", "red", "text"
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"


class Line(Enum):
    """How a series is drawn: the kinds differ by their dashes, not by colour alone."""

    SOLID = "solid"
    DASHED = "dashed"
    DOTTED = "dotted"
    THRESHOLD = "threshold"


@dataclass(frozen=True)
class Limit:
    """From which value on a panel changes its colour.

    Attributes:
        value: the threshold, in the panel's unit.
        colour: from the threshold upwards.
        below: the colour under it.
        then: a higher threshold, whose colour is that from it upwards.
    """

    value: float
    colour: str
    below: str = WELL
    then: "Limit | None" = None


# An error budget: red once it is overspent, orange where the last quarter goes.
BUDGET = Limit(0, LOOK, below=ACT, then=Limit(0.25, WELL))


def thresholds(limit: Limit | None) -> dashboard.ThresholdsConfig:
    """Colours by value; plain without a limit."""
    steps = [Threshold(value=None, color=PLAIN if limit is None else limit.below)]
    while limit is not None:
        steps.append(Threshold(value=limit.value, color=limit.colour))
        limit = limit.then
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def names(states: Sequence[tuple[str, str]]) -> ValueMap:
    """Name and colour of the value 0, of the value 1, ..."""
    named = {
        str(value): ValueMappingResult(text=name, color=colour, index=value)
        for value, (name, colour) in enumerate(states)
    }
    return ValueMap(options=named)


def drawn(line: Line, colour: str) -> list[DynamicConfigValue]:
    """Properties of a series that is drawn like this; without a colour, Grafana gives it one."""
    dashes = {Line.DASHED: [10, 6], Line.DOTTED: [2, 6], Line.THRESHOLD: [10, 10]}
    properties = []
    if line in dashes:
        properties.append(_property("custom.lineStyle", {"fill": "dash", "dash": dashes[line]}))
        properties.append(_property("custom.fillOpacity", 0))
    if line is Line.THRESHOLD:
        properties.append(_property("custom.lineWidth", 1))
        colour = LOOK
    if colour:
        properties.append(_property("color", {"mode": "fixed", "fixedColor": colour}))
    return properties


def _property(name: str, value: Any) -> DynamicConfigValue:
    return DynamicConfigValue(id_val=name, value=value)
