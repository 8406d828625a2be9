"""Leave a run's metrics where they are scraped when its process is gone: a Pushgateway, a file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from recwatch import push, textfile
from recwatch.exposition import Selection
from recwatch.metrics import DroppedWrites
from recwatch.redaction import mask_passwords
from recwatch.runs.worker import Worker

__all__ = ["END_TIMEOUT_SECONDS", "Destination", "Kind", "Publisher", "publish_as_of"]

_TEXTFILE = "textfile:"
_PUSHGATEWAY = "pushgateway://"
_DROPPED = "recwatch_dropped_writes"
# A Pushgateway that does not answer holds a run up by half a second at its start and, not trusted any more,
# by as much at its end.
_START_TIMEOUT_SECONDS = 0.5
END_TIMEOUT_SECONDS = 5.0
"""How long the end of a run waits for a Pushgateway."""
# For what no socket's timeout ends, such as a name server that is silent or an answer that trickles in.
_PATIENCE_SECONDS = 0.5
_LOOKS = 3


@dataclass(frozen=True)
class Kind:
    """What kind of runs is published, and what of it when. Families are named as without `_total`.

    Attributes:
        job: the label `job`; prometheus.yml makes it the label `service`.
        label: the grouping key, such as `model`.
        prefix: of every metric of this kind.
        in_progress: the gauge of runs under way.
        counters: published at the start too, where they are known: a counter that appears with its first
            increase in it shows none to `increase()`.
        on_failure: what a failed run publishes besides. The rest of the group stays: the figures of the last
            run that completed.
    """

    job: str
    label: str
    prefix: str
    in_progress: str
    counters: frozenset[str]
    on_failure: frozenset[str]


class Destination:
    """A Pushgateway or a folder of the node exporter, as a setting names it.

    Args:
        setting: `host:port` or a URL of a Pushgateway, or `textfile:` and a folder.
        registry: where a failure to publish is counted.

    Attributes:
        target: the label `target` of what is dropped.
    """

    def __init__(self, setting: str, registry: CollectorRegistry) -> None:
        self._dropped = DroppedWrites.of(registry)
        self._folder: Path | None = None
        self._gateway = setting.removeprefix(_PUSHGATEWAY)
        self.target, reasons = push.TARGET, push.REASONS
        if setting.startswith(_TEXTFILE):
            self._folder = Path(setting.removeprefix(_TEXTFILE))
            self.target, reasons = textfile.TARGET, (*textfile.REASONS, "timeout")
        self._dropped.expect(self.target, *reasons)

    def send(self, metrics: Collector, kind: Kind, name: str, timeout: float) -> bool:
        """Publish the metrics of a model or pipeline; whether they were taken."""
        key = {kind.label: name}
        if self._folder is not None:
            return textfile.write_textfile(
                self._folder, metrics, job=kind.job, grouping_key=key, dropped=self._dropped
            )
        return push.push(
            self._gateway, metrics, job=kind.job, grouping_key=key, dropped=self._dropped, timeout=timeout
        )


class Publisher:
    """Publishes what there is of a name at the start and at the end of a run, and never waits for long.

    Args:
        setting: as of `Destination`.
        kind: of the run.
        name: of the model or pipeline.
        registry: with the metrics.
    """

    def __init__(self, setting: str, kind: Kind, name: str, registry: CollectorRegistry) -> None:
        self._destination = Destination(setting, registry)
        self._setting = mask_passwords(setting)
        self._kind = kind
        self._name = name
        self._registry = registry
        self._dropped = DroppedWrites.of(registry)
        self._timeout = END_TIMEOUT_SECONDS
        self._worker = Worker(
            "recwatch-publisher", lambda error: self._dropped.drop(kind.job, "error", error)
        )
        self._worker.start()

    def start(self, running: int | None = None, *, counters: bool = False) -> bool:
        """Publish that the run is under way.

        Args:
            running: how many of this name are, of all processes; by default of this one.
            counters: whether they are known, those of the runs before included.

        Returns:
            Whether it was taken.
        """
        families = {self._kind.in_progress, *(self._kind.counters if counters else ())}
        taken = self._publish(
            lambda family, sample: family.name in families and self._is_ours(sample),
            running,
            _START_TIMEOUT_SECONDS,
        )
        if not taken:
            self._timeout = _START_TIMEOUT_SECONDS
        return taken

    def end(self, status: str, running: int | None = None) -> bool:
        """Publish all that there is of the name; of a failed run, only what a failure changes.

        Args:
            status: the run's.
            running: as at the start.

        Returns:
            Whether it was taken.
        """
        kind = self._kind
        of_failure = {kind.in_progress, *kind.counters, *kind.on_failure}

        def belongs(family: Metric, sample: Sample) -> bool:
            if family.name == _DROPPED:
                return True
            if not family.name.startswith(kind.prefix) or not self._is_ours(sample):
                return False
            return status != "failed" or family.name in of_failure

        return self._publish(belongs, running, self._timeout)

    def close(self) -> None:
        """Nothing more is published."""
        self._worker.close()

    def _is_ours(self, sample: Sample) -> bool:
        return sample.labels.get(self._kind.label) == self._name

    def _publish(
        self, belongs: Callable[[Metric, Sample], bool], running: int | None, timeout: float
    ) -> bool:
        answers: list[bool] = []

        def send() -> None:
            metrics: Collector = Selection(self._registry, belongs)
            if running is not None:
                metrics = _Running(metrics, self._kind.in_progress, running)
            answers.append(self._destination.send(metrics, self._kind, self._name, timeout))

        if not self._worker.call(send, timeout + _PATIENCE_SECONDS):
            target, text = self._destination.target, f"{self._setting}: nothing within {timeout} s"
            self._dropped.drop(target, "timeout", text)
        return answers == [True]


class _Running(Collector):
    """What a collector says, but for how many runs are under way: a process knows only of its own.

    Args:
        source: yields copies, which are changed.
        name: the gauge of runs under way.
        running: the number.
    """

    def __init__(self, source: Collector, name: str, running: int) -> None:
        self._source = source
        self._name = name
        self._running = float(running)

    def collect(self) -> Iterable[Metric]:
        for family in self._source.collect():
            if family.name == self._name:
                family.samples = [sample._replace(value=self._running) for sample in family.samples]
            yield family


def publish_as_of(
    read: Callable[[], object | None], refresh: Callable[[], bool], publish: Callable[[], bool]
) -> None:
    """Publish until the table is as it was published.

    Another run may end meanwhile: whoever publishes last must know of it.

    Args:
        read: what is known of the table; None where it could not be read.
        refresh: reads it again; says whether it could.
        publish: says whether what was published was taken.
    """
    for _ in range(_LOOKS):
        known = read()
        if not publish() or known is None or not refresh() or known == read():
            return
