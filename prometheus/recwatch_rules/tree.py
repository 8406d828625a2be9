"""Walking the tree that promql_parser makes of an expression."""

from collections.abc import Iterator
from typing import Any

import promql_parser

_CHILDREN = ("expr", "lhs", "rhs", "param", "vector_selector")


def parse(expr: str) -> Any:
    """Parse PromQL.

    Returns:
        The node at the top of the tree.

    Raises:
        ValueError: it is no PromQL.
    """
    return promql_parser.parse(expr)


def walk(node: Any) -> Iterator[Any]:
    """Give a node and all below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Any) -> list[Any]:
    """Give the nodes right below a node."""
    named = [getattr(node, attribute, None) for attribute in _CHILDREN]
    return [child for child in named if isinstance(child, promql_parser.Expr)] + list(
        getattr(node, "args", None) or ()
    )


def selectors(node: Any) -> list[Any]:
    """Give every selector of series below a node."""
    return [part for part in walk(node) if isinstance(part, promql_parser.VectorSelector)]


def metrics(selector: Any) -> list[str]:
    """Tell the names that a selector chooses: its own, or those of `{__name__=~"one|other"}`."""
    if selector.name:
        return [str(selector.name)]
    named = [matcher.value for matcher in selector.matchers.matchers if matcher.name == "__name__"]
    return [name for value in named for name in value.split("|")]


def bare(node: Any) -> Any:
    """Take a node out of its parentheses."""
    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    return node


def is_call(node: Any, *names: str) -> bool:
    """Whether it is a call of one of these functions."""
    return isinstance(node, promql_parser.Call) and node.func.name in names


def operator(node: Any) -> str:
    """Tell the operator of a binary expression, or the name of an aggregation; empty for anything else."""
    binary = isinstance(node, promql_parser.BinaryExpr | promql_parser.AggregateExpr)
    return str(node.op) if binary else ""


def number(node: Any) -> float | None:
    """Tell a literal's value; None where it is none."""
    node = bare(node)
    return float(node.val) if isinstance(node, promql_parser.NumberLiteral) else None
