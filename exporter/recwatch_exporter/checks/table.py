"""The table of check types: what a configuration may name, and what docs/drift.md shows."""

from collections.abc import Mapping
from types import MappingProxyType

from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.chi2 import CHI2
from recwatch_exporter.checks.classifier import CLASSIFIER
from recwatch_exporter.checks.coverage import COVERAGE
from recwatch_exporter.checks.duplicates import DUPLICATES
from recwatch_exporter.checks.embedding import EMBEDDING
from recwatch_exporter.checks.factors import FACTORS
from recwatch_exporter.checks.freshness import FRESHNESS
from recwatch_exporter.checks.gini import GINI
from recwatch_exporter.checks.jensen_shannon import JENSEN_SHANNON
from recwatch_exporter.checks.ks import KS
from recwatch_exporter.checks.missing import MISSING
from recwatch_exporter.checks.mmd import MMD
from recwatch_exporter.checks.moments import MOMENTS
from recwatch_exporter.checks.neighbours import NEIGHBOURS
from recwatch_exporter.checks.performance import PERFORMANCE
from recwatch_exporter.checks.psi import PSI
from recwatch_exporter.checks.range import RANGE
from recwatch_exporter.checks.rank_overlap import RANK_OVERLAP
from recwatch_exporter.checks.row_count import ROW_COUNT
from recwatch_exporter.checks.schema import SCHEMA
from recwatch_exporter.checks.spearman import SPEARMAN
from recwatch_exporter.checks.unseen import UNSEEN
from recwatch_exporter.checks.wasserstein import WASSERSTEIN

TYPES: Mapping[str, CheckType] = MappingProxyType(
    {
        check_type.name: check_type
        for check_type in (
            KS,
            WASSERSTEIN,
            MOMENTS,
            PSI,
            JENSEN_SHANNON,
            CHI2,
            UNSEEN,
            SPEARMAN,
            RANK_OVERLAP,
            COVERAGE,
            GINI,
            EMBEDDING,
            FACTORS,
            NEIGHBOURS,
            MMD,
            CLASSIFIER,
            PERFORMANCE,
            FRESHNESS,
            ROW_COUNT,
            MISSING,
            RANGE,
            SCHEMA,
            DUPLICATES,
        )
    }
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
