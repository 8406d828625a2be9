"""The films: title, year, genres, and which of them a filter lets through."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NO_GENRE = "(no genres listed)"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Films, by ascending id.

    Attributes:
        item_id: int64, unique, ascending.
        title: one for each film, never empty.
        year: float64; NaN where unknown.
        genres: the genres of each film, such as `Comedy|Drama`.
        genre_names: every genre, sorted.
        has_genre: bool, films x genres.
    """

    item_id: npt.NDArray[np.int64]
    title: list[str]
    year: npt.NDArray[np.float64]
    genres: list[str]
    genre_names: list[str]
    has_genre: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        item_id: npt.NDArray[np.int64],
        title: Sequence[str | None],
        year: npt.NDArray[np.float64],
        genres: Sequence[str],
    ) -> Self:
        """Build a catalogue from columns; a film without a title is named by its id."""
        sets = [frozenset(text.split("|")) - {NO_GENRE, ""} for text in genres]
        names = sorted(frozenset[str]().union(*sets))
        has_genre = np.array([[name in found for name in names] for found in sets], dtype=np.bool_)
        return cls(
            item_id=item_id,
            title=[text or f"Untitled (film {number})" for text, number in zip(title, item_id, strict=True)],
            year=year,
            genres=list(genres),
            genre_names=names,
            has_genre=has_genre.reshape(len(item_id), len(names)),
        )

    def __len__(self) -> int:
        return len(self.item_id)

    def __contains__(self, item_id: int) -> bool:
        return bool(self.positions(np.array([item_id], dtype=np.int64))[0] >= 0)

    def positions(self, item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Where the films with these ids stand; -1 for an id that is not in the catalogue."""
        return find_sorted(self.item_id, item_ids)

    def allowed(
        self, *, genres: Collection[str] = (), year_from: int | None = None, year_to: int | None = None
    ) -> npt.NDArray[np.bool_]:
        """Which films pass: any of the genres, and a year within the bounds (both inclusive).

        A film of unknown year passes only where no year is asked for.
        """
        mask = np.ones(len(self), dtype=np.bool_)
        if genres:
            mask &= self.has_genre[:, [name in genres for name in self.genre_names]].any(axis=1)
        if year_from is not None:
            mask &= self.year >= year_from
        if year_to is not None:
            mask &= self.year <= year_to
        return mask

    def to_table(self) -> Any:
        """Columns item_id, title, year, genres."""
        return pa.table(
            {"item_id": self.item_id, "title": self.title, "year": self.year, "genres": self.genres}
        )

    @classmethod
    def from_table(cls, table: Any) -> Self:
        """Read what `to_table` gave."""
        return cls.of(
            item_id=table.column("item_id").to_numpy(),
            title=table.column("title").to_pylist(),
            year=table.column("year").to_numpy(),
            genres=table.column("genres").to_pylist(),
        )


def find_sorted(sorted_ids: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Where each wanted id stands in an ascending array without repeats; -1 where it is absent."""
    if not len(sorted_ids):
        return np.full(len(wanted), -1, dtype=np.intp)
    at = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return np.where(sorted_ids[at] == wanted, at, -1)
