"""What of a rule's query is worth a picture: the metric, and what it is compared with.

Prometheus's grammar: https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operator-precedence
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*`)
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | (?P<compared>==|!=|>=|<=|>|<)
      | (?P<word>[A-Za-z_:][A-Za-z0-9_:.]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_GOES_ON = re.compile(r"-\s*max\s+by\s*\([^)]*\)\s*\(\s*ALERTS\b")
_MATCHING = re.compile(r"(?:on|ignoring)\s*\([^)]*\)\s*(?:group_(?:left|right)\s*(?:\([^)]*\))?)?")


@dataclass(frozen=True)
class Graphed:
    """What a picture shows.

    Attributes:
        expression: PromQL.
        threshold: the number that a rule compares it with, None where there is none.
        against: the PromQL that a rule compares it with, None where that is a number or nothing.
    """

    expression: str
    threshold: float | None = None
    against: str | None = None


@dataclass(frozen=True)
class _Operator:
    """An operator outside of every bracket, and where it stands."""

    text: str
    start: int
    end: int


def graphed(query: str) -> Graphed:
    """Take a rule's condition off its query: what is left has values also where the rule does not fire.

    What follows `and` or `unless` only filters, so the left side is taken; then a comparison at its end goes.
    A query with `or` is several things at once and stays whole, unless all are conditions on the same. What
    is about `ALERTS` is left out there: it says that the rule goes on, and has no value.
    """
    text = _without_comments(query).strip()
    operators = _operators(text)
    if ors := [found for found in operators if found.text == "or"]:
        starts, ends = [0, *(found.end for found in ors)], [*(found.start for found in ors), len(text)]
        parts = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        first, *others = [graphed(part) for part in parts if not _GOES_ON.match(part)] or [Graphed(text)]
        return first if all(other.expression == first.expression for other in others) else Graphed(text)
    filters = [found.start for found in operators if found.text in ("and", "unless")]
    if filters:
        return graphed(text[: filters[0]])
    if not operators and text.startswith("(") and _closes_at_the_end(text):
        return graphed(text[1:-1])
    if operators:
        last = operators[-1]
        left, right = text[: last.start].strip(), text[last.end :].strip()
        if _NUMBER.fullmatch(right):
            return Graphed(left, float(right.replace(" ", "")))
        against = _MATCHING.sub("", right, count=1).strip() if _MATCHING.match(right) else right
        if last.text not in ("==", "!=") and not against.startswith("bool") and left and against:
            return Graphed(left, against=against)
    return Graphed(text)


def _without_comments(query: str) -> str:
    return "".join("" if token.lastgroup == "comment" else token.group() for token in _TOKEN.finditer(query))


def _operators(text: str) -> list[_Operator]:
    """Return the comparisons and set operators outside of brackets, in order."""
    found = []
    depth = 0
    for token in _TOKEN.finditer(text):
        kind, said = token.lastgroup, token.group().lower()
        depth += (kind == "open") - (kind == "close")
        is_set = kind == "word" and said in ("and", "or", "unless")
        if depth == 0 and (is_set or kind == "compared"):
            found.append(_Operator(said, token.start(), token.end()))
    return found


def _closes_at_the_end(text: str) -> bool:
    """Whether the bracket that a text begins with is closed by its last character."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth == 0:
            return token.end() == len(text)
    return False
