"""Write metrics of a job that is over for the node exporter's textfile collector.

One file a job, replaced as a whole, so that the node exporter never reads half of one. As in a Pushgateway, a
metric of the same name is replaced and every other stays: a failed run that leaves out the time of the last
success does not delete it.
"""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from recwatch.exposition import without_created
from recwatch.metrics import DroppedWrites

__all__ = ["REASONS", "TARGET", "write_textfile"]

TARGET = "textfile"
REASONS = ("unreadable", "unwritable")
# The node exporter is another user.
_READABLE_BY_ALL = 0o644


def write_textfile(
    folder: Path, metrics: Collector, *, job: str, grouping_key: Mapping[str, str], dropped: DroppedWrites
) -> bool:
    """Write or renew a job's file; where that fails, it costs a count and a log line, never an exception.

    Args:
        folder: what `--collector.textfile.directory` of the node exporter names; made where it is missing.
        metrics: a registry or a selection of one.
        job: begins the file's name.
        grouping_key: the rest of the name, and labels of every sample that has no label of that name.
        dropped: where a failure is counted, with one of `REASONS`.

    Returns:
        Whether it was written.
    """
    name = "_".join(quote(part, safe="") for part in ("recwatch", job, *grouping_key.values()))
    path = folder / f"{name}.prom"
    try:
        fresh = {
            family.name: _labelled(family, grouping_key) for family in without_created(metrics).collect()
        }
        families = {**_read(path, dropped), **fresh}
        _replace(path, generate_latest(_Families(families.values())))
    except (OSError, ValueError) as error:
        dropped.drop(TARGET, "unwritable", f"{path}: {error!r}")
        return False
    return True


class _Families(CollectorRegistry):
    """Families that were collected before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _labelled(family: Metric, labels: Mapping[str, str]) -> Metric:
    """A copy whose samples carry these labels too: two files must not hold the same series."""
    copy = Metric(family.name, family.documentation, family.type, family.unit)
    copy.samples = [
        Sample(sample.name, {**labels, **sample.labels}, sample.value) for sample in family.samples
    ]
    return copy


def _read(path: Path, dropped: DroppedWrites) -> dict[str, Metric]:
    try:
        text = path.read_text(encoding="utf-8")
        return {family.name: family for family in text_string_to_metric_families(text)}
    except FileNotFoundError:
        return {}
    except ValueError as error:  # not what we wrote: begin anew
        dropped.drop(TARGET, "unreadable", f"{path}: {error!r}")
        return {}


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The collector reads names that end in .prom alone.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _READABLE_BY_ALL)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
