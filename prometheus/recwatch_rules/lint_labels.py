"""Lints of labels: which of them an expression keeps, and whether its two sides can meet.

A message says which service and model it speaks of, Alertmanager holds back by them, and an action needs
the model: so an alert keeps those that its metrics have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import promql_parser
from promql_parser import AggModifierType, LabelModifierType, MatchOp, VectorMatchCardinality

from recwatch_rules.known import Known
from recwatch_rules.tree import bare, is_call, operator, walk

KEPT = frozenset({"service", "model", "check", "pipeline"})
"""Labels that an alert keeps where its metrics have them."""
_CHOOSING = {"topk", "bottomk", "limitk", "limit_ratio"}


@dataclass(frozen=True)
class Branch:
    """One form that results may have; `or` makes two.

    Attributes:
        labels: of a result; None where the metric is not documented, so that it may have any.
        carried: labels of `KEPT` that the metric had from which the value comes.
        certain: whether it has all of `labels`, or some of them at most.
    """

    labels: frozenset[str] | None
    carried: frozenset[str] = frozenset()
    certain: bool = True

    def only(self, labels: frozenset[str]) -> "Branch":
        """Keep these."""
        if self.labels is None:
            return replace(self, labels=labels, certain=not labels)
        return replace(self, labels=self.labels & labels)

    def without(self, labels: frozenset[str]) -> "Branch":
        """Lose these."""
        return replace(self, labels=None if self.labels is None else self.labels - labels)

    def more(self, labels: frozenset[str]) -> "Branch":
        """Add these."""
        return replace(self, labels=None if self.labels is None else self.labels | labels)


def lost_labels(node: Any, known: Known, given: frozenset[str] = frozenset()) -> Iterator[str]:
    """Name the labels that the metrics of an alert have and its result has not.

    Args:
        node: the alert's expression.
        known: the metrics.
        given: labels that the rule itself sets.
    """
    needed = frozenset({"service"})
    for branch in branches(node, known) or [Branch(frozenset())]:
        if branch.labels is not None:
            lost = (branch.carried | needed) - branch.labels - given
            if lost:
                yield f"the alert loses {', '.join(sorted(lost))}"


def never_matching(node: Any, known: Known) -> Iterator[str]:
    """Name two sides that have no series in common: they differ in labels, so the result is always empty."""
    for part in walk(node):
        if isinstance(part, promql_parser.BinaryExpr) and operator(part) != "or":
            left, right = branches(part.lhs, known), branches(part.rhs, known)
            if left and right and not any(_meet(a, b, part.modifier) for a in left for b in right):
                told = [" or ".join(_told(branch) for branch in side) for side in (left, right)]
                yield f"{operator(part)} never finds a partner: {told[0]} against {told[1]}"


def branches(node: Any, known: Known) -> list[Branch]:
    """Tell the labels of what an expression gives; nothing where that is a number."""
    node = bare(node)
    if isinstance(node, promql_parser.VectorSelector):
        labels = known.labels(node.name)
        asked = {matcher.name for matcher in node.matchers.matchers if matcher.op == MatchOp.Equal}
        return [Branch(labels, (labels or frozenset()) & KEPT - asked)]
    if isinstance(node, promql_parser.MatrixSelector):
        return branches(node.vector_selector, known)
    if isinstance(node, promql_parser.SubqueryExpr | promql_parser.UnaryExpr):
        return branches(node.expr, known)
    if isinstance(node, promql_parser.AggregateExpr):
        return [_aggregated(branch, node) for branch in branches(node.expr, known)]
    if isinstance(node, promql_parser.BinaryExpr):
        return _joined(node, branches(node.lhs, known), branches(node.rhs, known))
    return _called(node, known) if isinstance(node, promql_parser.Call) else []


def _called(node: Any, known: Known) -> list[Branch]:
    if is_call(node, "scalar", "time"):
        return []
    if is_call(node, "vector", "absent", "absent_over_time"):
        return [Branch(frozenset())]
    of = next((found for found in (branches(argument, known) for argument in node.args) if found), [])
    if is_call(node, "histogram_quantile"):
        return [branch.without(frozenset({"le"})) for branch in of]
    if is_call(node, "label_replace", "label_join"):
        return [branch.more(frozenset({node.args[1].val})) for branch in of]
    return of


def _aggregated(branch: Branch, node: Any) -> Branch:
    if operator(node) in _CHOOSING:
        return branch
    if node.modifier is None:
        return branch.only(frozenset())
    labels = frozenset(node.modifier.labels)
    return branch.only(labels) if node.modifier.type == AggModifierType.By else branch.without(labels)


def _joined(node: Any, left: list[Branch], right: list[Branch]) -> list[Branch]:
    if not left or not right:
        return left or right
    if operator(node) == "or":
        return left + right
    if operator(node) in {"and", "unless"}:
        return left
    card = getattr(node.modifier, "card", VectorMatchCardinality.OneToOne)
    if card == VectorMatchCardinality.OneToOne:
        return [_matched(branch, node.modifier) for branch in left]
    many = left if card == VectorMatchCardinality.ManyToOne else right
    return [branch.more(frozenset(node.modifier.group_labels or ())) for branch in many]


def _matched(branch: Branch, modifier: Any) -> Branch:
    matching = getattr(modifier, "matching", None)
    if matching is None:
        return branch
    labels = frozenset(matching.labels)
    return branch.only(labels) if matching.type == LabelModifierType.Include else branch.without(labels)


def _meet(left: Branch, right: Branch, modifier: Any) -> bool:
    if left.labels is None or right.labels is None or not (left.certain and right.certain):
        return True
    matching = getattr(modifier, "matching", None)
    if matching is not None and matching.type == LabelModifierType.Include:
        return frozenset(matching.labels) <= left.labels & right.labels
    return _matched(left, modifier).labels == _matched(right, modifier).labels


def _told(branch: Branch) -> str:
    return f"{{{', '.join(sorted(branch.labels or ()))}}}"
