"""Lints of what an expression computes: rates, ranges, divisions. Each tells what is wrong, or nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import promql_parser

from recwatch_rules.known import Known
from recwatch_rules.tree import bare, children, is_call, number, operator, walk

_RATES = ("rate", "irate", "increase")
_LOOKBACK = timedelta(minutes=5)
"""A query finds no value that is older: Prometheus's `--query.lookback-delta`."""


def rates_of_gauges(node: Any, known: Known) -> Iterator[str]:
    """A rate takes each fall for a restart, so of what may fall it is wrong."""
    for call in walk(node):
        if is_call(call, *_RATES):
            of = bare(call.args[0])
            inner = bare(of.expr) if isinstance(of, promql_parser.SubqueryExpr) else of.vector_selector
            name = getattr(inner, "name", None)
            if not known.counts(name):
                yield f"{call.func.name}() of {name or 'an expression'}, which is no counter"


def short_ranges(node: Any, known: Known) -> Iterator[str]:
    """A range has to hold two values, also where one scrape is late or lost."""
    for part in walk(node):
        if isinstance(part, promql_parser.MatrixSelector):
            name = part.vector_selector.name
            interval = known.interval(name)
            if part.range < 2 * interval:
                yield f"{name}[{_told(part.range)}] is less than twice its interval {_told(interval)}"
        elif isinstance(part, promql_parser.SubqueryExpr):
            span, step = part.range, part.step
            if span is not None and step is not None and span < 2 * step:
                yield f"a range of {_told(span)} is less than twice its step {_told(step)}"


def seldom_values(node: Any, known: Known) -> Iterator[str]:
    """What is recorded more seldom than a query looks back is missed now and then, unless as a range."""
    if isinstance(node, promql_parser.MatrixSelector):
        return
    if isinstance(node, promql_parser.VectorSelector) and known.interval(node.name) >= _LOOKBACK:
        yield f"{node.name} comes every {_told(known.interval(node.name))}, of which only a range can be read"
    for child in children(node):
        yield from seldom_values(child, known)


def unguarded_divisions(node: Any, _: Known) -> Iterator[str]:
    """Nothing divided by nothing is NaN, and something divided by nothing is above every threshold."""
    for part in walk(node):
        if operator(part) in {"/", "%"} and not _never_zero(part.rhs):
            yield f"divided by {bare(part.rhs).prettify().strip()}, which may be 0: compare it with > 0"


def _never_zero(node: Any) -> bool:
    node = bare(node)
    literal = number(node)
    if literal is not None:
        return literal != 0
    if is_call(node, "clamp_min"):
        return (number(node.args[1]) or 0) > 0
    if isinstance(node, promql_parser.AggregateExpr):
        return operator(node) in {"count", "group"} or (
            operator(node) in {"sum", "avg", "min", "max"} and _positive(node.expr)
        )
    if operator(node) in {"and", "unless"}:
        return _never_zero(node.lhs)
    if operator(node) in {"or", "*"}:
        return _never_zero(node.lhs) and _never_zero(node.rhs)
    return _positive(node) or _compared(node, "!=")


def _positive(node: Any) -> bool:
    """Whether what is not above 0 is left out; a sum of that is above 0 as well."""
    node = bare(node)
    if operator(node) in {"and", "unless"}:
        return _positive(node.lhs)
    return _compared(node, ">") or (_compared(node, ">=") and number(node.rhs) != 0)


def _compared(node: Any, how: str) -> bool:
    """Whether it is held against a number of 0 or more, and left out where that fails."""
    if operator(node) != how or getattr(node.modifier, "return_bool", False):
        return False
    limit = number(node.rhs)
    return limit is not None and (limit == 0 if how == "!=" else limit >= 0)


def _told(time: timedelta) -> str:
    return str(promql_parser.display_duration(time))
