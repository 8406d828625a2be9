"""Pictures of a finding: the reference window's shares beside the current one's, and weights of features.

Across, everything is in per cent, so a picture is as wide as there is room and its text stays readable.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recwatch_exporter.web.markup import Markup, clean, tag
from recwatch_exporter.web.words import figure, percent

_SHORT_LABEL, _LONG_LABEL = 5, 22
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]+)?(e[+-]?[0-9]{1,2})?")
_RANGE = re.compile(rf"(up to |above |{_NUMBER.pattern} to ){_NUMBER.pattern}")
_OTHER, _DWARFS = "other", 3
_MOST_COLUMNS_LABELLED = 10
_ROW, _TOP = 20, 14
_HEIGHT = 120
_NAMES, _FIGURES = 34.0, 78.0  # where rows' bars begin and end, in per cent


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Shares by bin.

    Attributes:
        labels: (bins,).
        current: (bins,) shares of the current window.
        reference: (bins,) shares of the reference window; None where there is only one series.
    """

    labels: tuple[str, ...]
    current: tuple[float, ...]
    reference: tuple[float, ...] | None = None


def histogram(bins: Bins, label: str) -> Markup:
    """Draw shares: columns where bins follow each other, as ratings do, else rows, as of categories.

    The reference is broad and pale, the current window narrow and dark, one upon the other.

    Args:
        bins: at least one.
        label: what a screen reader says.
    """
    return _columns(bins, label) if _is_axis(bins.labels) else _rows(bins, label)


def without_other(bins: Bins) -> tuple[Bins, str | None]:
    """Bins without the last one where that is the rest of many and would dwarf them; and a word on it."""
    if bins.labels[-1] != _OTHER or len(bins.labels) == 1:
        return bins, None
    head = Bins(
        labels=bins.labels[:-1],
        current=bins.current[:-1],
        reference=None if bins.reference is None else bins.reference[:-1],
    )
    rest = [side[-1] for side in (bins.reference, bins.current) if side is not None]
    if max(rest) <= _DWARFS * _highest(head):
        return bins, None
    return head, f"not drawn: {_OTHER}, {' → '.join(percent(share) for share in rest)}"


def weights(names: Sequence[str], values: Sequence[float], label: str) -> Markup:
    """Draw how much each feature weighs, the longest bar for the largest."""
    top = max((abs(value) for value in values), default=0.0) or 1.0
    parts: list[Markup] = []
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        wide = abs(value) / top * (_FIGURES - _NAMES)
        parts += _row(place, name, [("current", wide)], figure(value), f"{name}: {figure(value)}")
    return _picture(parts, label, _ROW * len(names) + 4)


def _columns(bins: Bins, label: str) -> Markup:
    top = _highest(bins)
    slot = 100 / len(bins.labels)
    floor = _TOP + _HEIGHT
    last = len(bins.labels) - 1
    if max(len(text) for text in bins.labels) <= _SHORT_LABEL:
        labelled = dict.fromkeys(range(0, last + 1, -(-(last + 1) // _MOST_COLUMNS_LABELLED)), "middle")
    else:
        labelled = {0: "start", last // 2: "middle", last: "end"}
    parts = [
        tag("line", class_="grid", x1="0%", x2="100%", y1=_TOP, y2=_TOP),
        tag("text", percent(top), x="0%", y=_TOP - 4),
        tag("line", class_="axis", x1="0%", x2="100%", y1=floor, y2=floor),
    ]
    for place, name in enumerate(bins.labels):
        left = place * slot
        shares = [("reference", bins.reference, 0.84), ("current", bins.current, 0.4)]
        bars = [
            _column(kind, left + slot * (1 - wide) / 2, slot * wide, series[place] / top, floor)
            for kind, series, wide in shares
            if series is not None
        ]
        parts.append(tag("g", tag("title", _told(bins, place)), bars))
        if place in labelled:
            at = left + slot * {"start": 0.0, "middle": 0.5, "end": 1.0}[labelled[place]]
            parts.append(tag("text", name, x=f"{at:.2f}%", y=floor + 14, text_anchor=labelled[place]))
    return _picture(parts, label, floor + 20)


def _column(kind: str, left: float, wide: float, share: float, floor: float) -> Markup:
    tall = _HEIGHT * share
    return tag("rect", class_=kind, x=f"{left:.2f}%", width=f"{wide:.2f}%", y=floor - tall, height=tall)


def _rows(bins: Bins, label: str) -> Markup:
    top = _highest(bins)
    parts: list[Markup] = []
    for place, name in enumerate(bins.labels):
        series = [("reference", bins.reference), ("current", bins.current)]
        bars = [
            (kind, shares[place] / top * (_FIGURES - _NAMES)) for kind, shares in series if shares is not None
        ]
        shares_text = percent(bins.current[place])
        if bins.reference is not None:
            before = percent(bins.reference[place]).removesuffix(" %")
            shares_text = f"{before} → {shares_text}"
        parts += _row(place, name, bars, shares_text, _told(bins, place))
    return _picture(parts, label, _ROW * len(bins.labels) + 4)


def _row(place: int, name: str, bars: Sequence[tuple[str, float]], shown: str, told: str) -> list[Markup]:
    y = place * _ROW
    drawn = [
        tag(
            "rect",
            class_=kind,
            x=f"{_NAMES:.0f}%",
            width=f"{wide:.2f}%",
            y=y + (3 if kind == "reference" else 7),
            height=14 if kind == "reference" else 6,
        )
        for kind, wide in bars
    ]
    return [
        tag("g", tag("title", told), tag("text", clean(name, _LONG_LABEL), x="0%", y=y + 14), drawn),
        tag("text", shown, x="100%", y=y + 14, text_anchor="end"),
    ]


def _is_axis(labels: Sequence[str]) -> bool:
    """Whether labels are ascending numbers, or so many ranges that rows would be long."""
    if all(_RANGE.fullmatch(text) for text in labels):
        return len(labels) > _MOST_COLUMNS_LABELLED
    if not all(_NUMBER.fullmatch(text) for text in labels):
        return False
    numbers = [float(text) for text in labels]
    return numbers == sorted(numbers)


def _highest(bins: Bins) -> float:
    return max((*bins.current, *(bins.reference or ())), default=0.0) or 1.0


def _told(bins: Bins, place: int) -> str:
    current = percent(bins.current[place])
    if bins.reference is None:
        return f"{bins.labels[place]}: {current}"
    return f"{bins.labels[place]}: reference {percent(bins.reference[place])}, current {current}"


def _picture(parts: Sequence[Markup], label: str, height: float) -> Markup:
    return tag("svg", parts, class_="bars", role="img", aria_label=label, width="100%", height=height)
