"""duplicates: how many rows repeat another one's key."""

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.fact_type import ShareType


def repeats(keyed: int, distinct: int) -> int:
    """How many rows are too many: all but one of each key.

    Args:
        keyed: rows that have a key.
        distinct: different keys among them.
    """
    return keyed - distinct


DUPLICATES = ShareType(
    name="duplicates",
    statistic="share of the rows that repeat the key of another: those that are too many",
    effect_size="the statistic less the reference's share; without a reference, the statistic",
    bad=Direction.HIGH,
    null="no two rows have one key, or no more than in the reference",
    p_value="none: a row that is there twice is a fact, so the threshold alone decides",
    source=(
        "1 - distinct keys / rows: uniqueness as in Schelter et al., Automating Large-Scale Data Quality "
        "Verification, PVLDB 11, 2018, table 1"
    ),
    default_threshold=0.01,
    columns="together",
    undefined="the current window has no row with the whole key: write keys, or choose other columns",
)
