"""Who did what with which item, and when: the arrays that everything works on, and their Parquet form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.errors import DataError
from recommender.files import write_whole

RATING = "rating"
CLICK = "click"

_ATTEMPTS = 3
_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("rating", pa.float64()),
        ("event", pa.string()),
        ("timestamp", _TIME),
        ("observed_at", _TIME),
    ]
)


@dataclass(frozen=True, eq=False)
class Interactions:
    """Interactions as columns, all of one length.

    Attributes:
        user_id: int64.
        item_id: int64.
        rating: float64, stars from 0.5 to 5; NaN for a click.
        event: `rating` or `click`.
        timestamp: datetime64[us], UTC: when it happened.
        observed_at: datetime64[us], UTC: when the service was told. Replayed history happened long before.
    """

    user_id: npt.NDArray[np.int64]
    item_id: npt.NDArray[np.int64]
    rating: npt.NDArray[np.float64]
    event: npt.NDArray[np.str_]
    timestamp: npt.NDArray[np.datetime64]
    observed_at: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.user_id)

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Self:
        """The rows of a mask or of an index, as a new object."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def ratings(self) -> Self:
        """Ratings by user and time, one for each user and item: the first one.

        Keeping the first and not the last means that an item, once trained on, never turns up in a later
        hold-out because somebody changed his mind. Ratings of the same second are ordered by item.
        """
        rated = self.take(self.event == RATING)
        rated = rated.take(np.lexsort((rated.item_id, rated.timestamp, rated.user_id)))
        pairs = np.stack([rated.user_id, rated.item_id], axis=1)
        _, first = np.unique(pairs, axis=0, return_index=True)
        return rated.take(np.sort(first))

    def between(self, start: np.datetime64 | None, end: np.datetime64 | None) -> Self:
        """What happened at `start` or later and before `end`."""
        mask = np.ones(len(self), dtype=np.bool_)
        if start is not None:
            mask &= self.timestamp >= start
        if end is not None:
            mask &= self.timestamp < end
        return self.take(mask)

    def to_table(self) -> Any:
        """The Arrow table with the columns of `SCHEMA`; NaN becomes null."""
        columns = [
            pa.array(self.user_id),
            pa.array(self.item_id),
            pa.array(self.rating, from_pandas=True),
            pa.array(self.event.tolist(), type=pa.string()),
            pa.array(self.timestamp).cast(_TIME),
            pa.array(self.observed_at).cast(_TIME),
        ]
        return pa.table(columns, schema=SCHEMA)

    @classmethod
    def from_table(cls, table: Any) -> Self:
        """Read an Arrow table with the columns of `SCHEMA`."""
        columns = {name: table.column(name).to_numpy() for name in SCHEMA.names}
        return cls(
            user_id=columns["user_id"],
            item_id=columns["item_id"],
            rating=columns["rating"].astype(np.float64),
            event=columns["event"].astype(np.str_),
            timestamp=columns["timestamp"].astype("datetime64[us]"),
            observed_at=columns["observed_at"].astype("datetime64[us]"),
        )

    @classmethod
    def concatenate(cls, parts: Sequence["Interactions"]) -> Self:
        """All parts, one after the other; none gives an empty object."""
        if not parts:
            return cls.from_table(SCHEMA.empty_table())
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def write_interactions(path: Path, interactions: Interactions) -> None:
    """Write a Parquet file that appears under its name only when it is complete."""
    table = interactions.to_table()
    write_whole(path, lambda partial: pq.write_table(table, partial))


def read_interactions(paths: Iterable[Path]) -> Interactions:
    """Read Parquet files of interactions, in the order given.

    Raises:
        DataError: when a file is damaged, lacks a column or has rows without one of its values.
    """
    return Interactions.concatenate([_read(path) for path in paths])


def _read(path: Path) -> Interactions:
    try:
        table = pq.read_table(path, columns=SCHEMA.names)
        lacking = [name for name in SCHEMA.names if name != "rating" and table.column(name).null_count]
        if lacking:
            raise ValueError(f"rows without {', '.join(lacking)}")  # noqa: TRY301 - told as the others are
        return Interactions.from_table(table)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        kept = aside(path.parent)
        where = f"; what was merged last is still in {kept}" if kept.is_dir() else ""
        raise DataError(
            f"{path} is not a file of interactions ({error}): restore or remove it{where}"
        ) from error


def read_log(folder: Path) -> Interactions:
    """Read all batches of an interaction log, anew where some were merged meanwhile.

    Raises:
        DataError: when a file is damaged, lacks a column or vanishes again and again.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return read_interactions(batches(folder))
        except DataError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    return read_interactions(batches(folder))


def aside(folder: Path) -> Path:
    """Where the old files of an interaction log lie once they are merged, until the next time."""
    return folder.with_name(f".{folder.name}.aside")


def batches(folder: Path) -> list[Path]:
    """The complete batches of an interaction log, oldest first; one still being written begins with a dot."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
