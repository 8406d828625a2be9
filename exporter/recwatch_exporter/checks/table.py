"""The table of check types: what a configuration may name."""

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
