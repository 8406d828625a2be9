"""The files in which the processes of a service keep their metrics, and what they add up to.

prometheus_client gives each process one file a kind: `counter_<pid>.db`, `gauge_livemax_<pid>.db` and so on.
Its own collector merges them sample by sample; here equal keys are added first, which is quicker, and a gauge
that is NaN in one process does not spoil what the others say (`recwatch.exposition.forget`).
"""

import json
import math
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.utils import floatToGoString

from recwatch.turns import let_go

__all__ = ["Kind", "Values", "WorkerFile", "families", "merge", "read", "worker_files", "write"]

Values = dict[str, tuple[float, float]]
"""Value and unix time by key; the key is prometheus_client's JSON of name, labels and help."""

_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file holds: the type of its metrics and, of gauges, how processes are put together."""

    type: str
    mode: str = ""

    @property
    def live(self) -> bool:
        """Whether the values go with their process."""
        return self.mode.startswith("live")

    @property
    def by_process(self) -> bool:
        """Whether each process keeps a series of its own."""
        return self.mode.removeprefix("live") == "all"

    @property
    def stem(self) -> str:
        """How the names of such files begin."""
        return f"{self.type}_{self.mode}" if self.mode else self.type


@dataclass(frozen=True, slots=True)
class WorkerFile:
    """One file; `process` is what stands in its name, the process's id in all but odd set-ups."""

    path: Path
    kind: Kind
    process: str


def worker_files(folder: Path) -> list[WorkerFile]:
    """The files of a folder, by name."""
    found = []
    for path in sorted(folder.glob("*.db")):
        words = path.stem.split("_")
        gauge = words[0] == "gauge"
        if len(words) == (3 if gauge else 2):
            found.append(WorkerFile(path, Kind(words[0], words[1] if gauge else ""), words[-1].split(".")[0]))
    return found


def read(path: Path) -> Values:
    """What a file holds; nothing where its process has only just made it.

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it is damaged.
    """
    if path.stat().st_size < _HEADER_BYTES:
        return {}
    try:
        return {
            key: (value, stamp)
            for key, value, stamp, _ in MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        }
    except (RuntimeError, UnicodeDecodeError, struct.error) as error:
        raise ValueError(f"{path} is damaged: {error}; remove it") from error


def write(path: Path, values: Values) -> None:
    """Write a file that holds these values.

    The room is taken first: prometheus_client maps files into memory, and on a full disk a write to a mapped
    page is no error but the end of the process (SIGBUS).

    Raises:
        OSError: when there is no room.
    """
    # A key is padded to 8 bytes and stands beside its length, value and time.
    needed = _HEADER_BYTES + sum(len(key.encode()) + 32 for key in values)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(needed, 1 << 12))
    mapped = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    try:
        for key, (value, stamp) in values.items():
            mapped.write_value(key, value, stamp)  # type: ignore[no-untyped-call]
    finally:
        mapped.close()  # type: ignore[no-untyped-call]


def merge(kind: Kind, total: Values, values: Values) -> None:
    """Add one process's values to a total, as the kind says.

    Counters, histograms and summaries add up. Of gauges NaN says that the process has no value; the most
    recent value counts even so, as it says that there is none any more.
    """
    mode = kind.mode.removeprefix("live") or "sum"
    for key, (value, stamp) in values.items():
        if kind.type == "gauge" and mode != "mostrecent" and math.isnan(value):
            continue
        before = total.get(key)
        if mode == "mostrecent":
            if stamp > (before[1] if before else 0.0):
                total[key] = (value, stamp)
        elif before is None:
            total[key] = (value, stamp)
        elif mode == "sum":
            total[key] = (before[0] + value, 0.0)
        elif mode == "max":
            total[key] = (max(before[0], value), 0.0)
        elif mode == "min":
            total[key] = (min(before[0], value), 0.0)
        else:  # all: one process writes a key once
            total[key] = (value, stamp)


def families(files: Iterable[tuple[Kind, str, Values]]) -> list[Metric]:
    """The metrics that files add up to, given as (kind, process, values); the values are used up."""
    totals: dict[tuple[Kind, str], Values] = {}
    for kind, process, values in files:
        merge(kind, totals.setdefault((kind, process if kind.by_process else ""), {}), values)
        let_go([values])
    found: dict[str, _Family] = {}
    for (kind, process), values in totals.items():
        for key, (value, _) in values.items():
            name, sample, labels, meaning = json.loads(key)
            if process:
                labels["pid"] = process
            family = found.get(name)
            if family is None:
                family = found[name] = _Family(Metric(name, meaning, kind.type))
            family.add(sample, labels, value)
    let_go(totals.values())
    return [family.finish() for family in found.values()]


class _Family:
    """Gathers the samples of one metric; of a histogram, bucket by bucket."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[tuple[tuple[str, str], ...], _Series] = {}

    def add(self, sample: str, labels: dict[str, str], value: float) -> None:
        bound = labels.pop("le", None) if self._metric.type == "histogram" else None
        series = self._series.setdefault(tuple(sorted(labels.items())), _Series({}, {}))
        if bound is None:
            series.values[sample] = value
        else:
            series.buckets[float(bound)] = value

    def finish(self) -> Metric:
        name, add = self._metric.name, self._metric.add_sample
        for labels, series in self._series.items():
            for sample, value in series.values.items():
                add(sample, dict(labels), value)
            if series.buckets:
                count = 0.0
                for bound in sorted(series.buckets):
                    count += series.buckets[bound]
                    add(f"{name}_bucket", {**dict(labels), "le": floatToGoString(bound)}, count)  # type: ignore[no-untyped-call]
                add(f"{name}_count", dict(labels), count)
        let_go([self._series])
        return self._metric


@dataclass(slots=True)
class _Series:
    values: dict[str, float]
    buckets: dict[float, float]
