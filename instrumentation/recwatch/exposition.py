"""Write a registry in the text that Prometheus reads, without the `_created` series.

prometheus_client adds a `_created` gauge to each child of a counter or histogram; nothing here reads them.
Its own switch, `disable_created_metrics()`, changes the whole process; leaving the samples out while writing
does not.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

__all__ = ["Selection", "render", "without_created"]

_WITH_CREATED = frozenset({"counter", "histogram", "summary", "gaugehistogram"})


class Selection(Collector):
    """The samples of a collector for which a predicate holds; families without any are left out.

    Args:
        source: a registry or another collector.
        keep: asked for each sample of each family.
    """

    def __init__(self, source: Collector, keep: Callable[[Metric, Sample], bool]) -> None:
        self._source = source
        self._keep = keep

    def collect(self) -> Iterable[Metric]:
        """Yield copies; the source's own families are not touched."""
        return self._families()

    def _families(self) -> Iterator[Metric]:
        for family in self._source.collect():
            samples = [sample for sample in family.samples if self._keep(family, sample)]
            if samples:
                selected = Metric(family.name, family.documentation, family.type, family.unit)
                selected.samples = samples
                yield selected


def without_created(source: Collector) -> Collector:
    """A view of a registry without `_created` series, for `generate_latest` or a push."""
    return Selection(source, lambda family, sample: not _is_created(family, sample))


def render(registry: Collector, accept: str = "") -> tuple[bytes, str]:
    """Write every metric of a registry.

    Args:
        registry: what to write.
        accept: the request's header Accept; decides between the text and the OpenMetrics format.

    Returns:
        The body and its content type.
    """
    encode, content_type = choose_encoder(accept)
    return encode(without_created(registry)), content_type


def _is_created(family: Metric, sample: Sample) -> bool:
    return family.type in _WITH_CREATED and sample.name == f"{family.name}_created"
