"""The table of check types: what a configuration may name, and what docs/drift.md shows."""

from collections.abc import Mapping
from types import MappingProxyType

from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.embedding import EMBEDDING
from recwatch_exporter.checks.ks import KS
from recwatch_exporter.checks.psi import PSI
from recwatch_exporter.checks.spearman import SPEARMAN

TYPES: Mapping[str, CheckType] = MappingProxyType(
    {check_type.name: check_type for check_type in (KS, PSI, SPEARMAN, EMBEDDING)}
)

_HEADINGS = ("type", "statistic", "effect size", "bad direction", "null: what no drift means", "p-value")


def markdown_table() -> str:
    """The table as docs/drift.md holds it; a test compares the two."""
    rows = [
        (f"`{item.name}`", item.statistic, item.effect_size, item.bad.value, item.null, item.p_value)
        for item in TYPES.values()
    ]
    lines = [_HEADINGS, ("---",) * len(_HEADINGS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
