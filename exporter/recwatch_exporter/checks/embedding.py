"""embedding: whether the same things still have the same vectors."""

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.vector_type import Compared, Stream, Terms, VectorType
from recwatch_exporter.statistics.cosines import summarise


def compare(stream: Stream, terms: Terms) -> Compared:
    """Mean cosine over the shared ids, read once, a chunk at a time.

    Raises:
        StatisticError: when the windows' vectors are of different length.
    """
    summary = summarise(stream(), threshold=terms.threshold)
    return Compared(
        statistic=summary.mean,
        n_compared=summary.n,
        left_out=summary.left_out,
        details=summary.details(),
    )


EMBEDDING = VectorType(
    name="embedding",
    statistic="mean cosine between the vectors of the ids that both windows have",
    effect_size="the statistic",
    bad=Direction.LOW,
    null="the same encoder and the same texts: every cosine is 1",
    p_value="none: there is no chance in an encoder, so the threshold alone decides",
    source="Salton and McGill, Introduction to Modern Information Retrieval, 1983, section 4.1",
    default_threshold=0.95,
    lowest_threshold=-1.0,
    highest_threshold=1.0,
    retrain=False,
    compare=compare,
    undefined=(
        "the windows share too few ids with a vector other than nothing but zeros: compare vectors of the "
        "same things, written anew"
    ),
)
