"""Counters that go on from a table: a process that runs once would otherwise count to 1 for ever."""

from prometheus_client import Counter

__all__ = ["count_up_to", "counted"]


def counted(counter: Counter, **labels: str) -> float:
    """What a counter says of these labels now; 0 before its first increment."""
    samples = [sample for family in counter.collect() for sample in family.samples]
    return sum(
        sample.value for sample in samples if sample.name.endswith("_total") and sample.labels == labels
    )


def count_up_to(counter: Counter, total: float, **labels: str) -> None:
    """Bring a counter to a total; one that is beyond it stays, as a counter never falls.

    Args:
        counter: with labels.
        total: what is known, such as by a table. A whole number, or rounding would let it fall by a hair.
        labels: all of the counter's.
    """
    counter.labels(**labels).inc(max(0.0, total - counted(counter, **labels)))
