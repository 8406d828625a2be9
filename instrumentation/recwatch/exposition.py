"""Write metrics in the text that Prometheus reads, without the `_created` series.

prometheus_client adds a `_created` gauge to each child of a counter or histogram; nothing here reads them.
Its own switch, `disable_created_metrics()`, changes the whole process; leaving the samples out while writing
does not. A gauge that is NaN is left out as well: that is how a series is taken back where several processes
write (`forget`).
"""

import math
from collections.abc import Callable, Collection, Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from recwatch.multiprocess import WorkerMetrics, folder
from recwatch.turns import SHORT_TURNS, let_go

__all__ = ["Selection", "forget", "render", "without_created"]

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
        for family in self._source.collect():
            samples = [sample for sample in family.samples if self._keep(family, sample)]
            if samples:
                yield _with_samples(family, samples)


class _Visible(Collector):
    """What Prometheus is to see; `Selection` would do, at four times the cost."""

    def __init__(self, source: Collector, shown: list[list[Sample]] | None = None) -> None:
        self._source = source
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        for family in self._source.collect():
            if family.type in _WITH_CREATED:
                created = f"{family.name}_created"
                samples = [sample for sample in family.samples if sample.name != created]
            elif family.type == "gauge":
                samples = [sample for sample in family.samples if not math.isnan(sample.value)]
            else:
                samples = list(family.samples)
            if self._shown is not None:
                self._shown.append(samples)
            if samples:
                yield _with_samples(family, samples)


def _with_samples(family: Metric, samples: list[Sample]) -> Metric:
    copy = Metric(family.name, family.documentation, family.type, family.unit)
    copy.samples = samples
    return copy


def without_created(source: Collector) -> Collector:
    """A view of a registry without `_created` series and NaN gauges, for `generate_latest` or a push."""
    return _Visible(source)


def forget(gauge: Gauge, *labels: str) -> None:
    """Make a gauge's series absent from now on, until it is set again.

    prometheus_client can remove a series only where one process writes. Where several do, this process's
    value becomes NaN, which `render` leaves out; a gauge of the mode `mostrecent` is absent then whatever
    other processes said before, the modes `min`, `max` and `sum` go on with what they say.

    Args:
        gauge: the metric.
        labels: the values of its labels, none for a gauge without labels.
    """
    if labels and folder() is None:
        gauge.remove(*labels)
    else:
        (gauge.labels(*labels) if labels else gauge).set(math.nan)


def render(registry: Collector, accept: str = "", names: Collection[str] = ()) -> tuple[bytes, str]:
    """Write every metric of a registry, or, where `PROMETHEUS_MULTIPROC_DIR` is set, of all processes.

    May run in a thread of its own while others serve requests: they wait half a millisecond for their turn.
    Who asks for more while one is written waits until it is.
    A collector or a metric that fails is left out, counted in `recwatch_dropped_writes_total` and logged.

    Args:
        registry: what to write; several processes share one folder, so there it makes no difference.
        accept: the request's header Accept; decides between the text and the OpenMetrics format.
        names: the samples to write, such as `http_requests_total`; all by default.

    Returns:
        The body and its content type.

    Raises:
        OSError: when the folder of several processes cannot be read.
    """
    encode, content_type = choose_encoder(accept)
    path = folder()

    shown: list[list[Sample]] = []

    def write(source: Collector) -> bytes:
        chosen = Selection(source, lambda _, sample: sample.name in names) if names else source
        return encode(_Visible(chosen, shown))

    with SHORT_TURNS, SHORT_TURNS.alone:
        try:
            return write(registry if path is None else WorkerMetrics(path)), content_type
        except Exception:
            if path is not None:
                raise
            # What is broken is counted and logged when it is looked for.
            return write(_Sound(registry, encode)), content_type
        finally:
            let_go(shown)


class _Sound(Collector):
    """What can be collected and written of a registry in which something cannot."""

    def __init__(self, registry: Collector, encode: Callable[[Collector], bytes]) -> None:
        self._registry = registry
        self._encode = encode

    def collect(self) -> Iterable[Metric]:
        # A registry does not list its collectors in public; one that hides them is taken as far as it goes.
        collectors = getattr(self._registry, "_collector_to_names", [self._registry])
        for collector in list(collectors):
            try:
                for family in collector.collect():
                    self._encode(_Visible(_One(family)))
                    yield family
            except Exception as error:  # noqa: BLE001 - one broken metric must not hide all others
                self._drop(error)

    def _drop(self, error: Exception) -> None:
        from recwatch.metrics import DroppedWrites  # noqa: PLC0415 - which imports this module

        registry = self._registry if isinstance(self._registry, CollectorRegistry) else REGISTRY
        DroppedWrites.of(registry).drop("metrics", "scrape", error)


class _One(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return [self._family]
