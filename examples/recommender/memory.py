"""What the service knows of users: their ratings so far, from history, the interaction log and feedback."""

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommender.catalogue import Catalogue
from recommender.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Rated:
    """What one user rated, in the order of arrival.

    Attributes:
        item_id: int64, without repeats.
        rating: float64, stars.
    """

    item_id: npt.NDArray[np.int64]
    rating: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_id)


class Memory:
    """Ratings of all users and each film's popularity. Safe to use from several threads.

    Args:
        catalogue: the films whose popularity is counted.
        interactions: what to remember from the start.
    """

    def __init__(self, catalogue: Catalogue, interactions: Interactions) -> None:
        self._positions = {item_id: at for at, item_id in enumerate(catalogue.item_id.tolist())}
        self._popularity = np.zeros(len(catalogue), dtype=np.float32)
        self._ratings: dict[int, dict[int, float]] = {}
        self._lock = threading.Lock()
        ratings = interactions.ratings()
        ratings = ratings.take(np.argsort(ratings.timestamp, kind="stable"))
        columns = (ratings.user_id.tolist(), ratings.item_id.tolist(), ratings.rating.tolist())
        for user_id, item_id, rating in zip(*columns, strict=True):
            self.add(user_id, item_id, rating)

    def add(self, user_id: int, item_id: int, rating: float) -> None:
        """Remember a rating; rating a film again replaces the stars."""
        position = self._positions.get(item_id)
        with self._lock:
            rated = self._ratings.setdefault(user_id, {})
            if item_id not in rated and position is not None:
                self._popularity[position] += 1
            rated[item_id] = rating

    def rated(self, user_id: int) -> Rated:
        """What a user rated so far; empty for a stranger."""
        with self._lock:
            found = self._ratings.get(user_id, {})
            items, stars = list(found), list(found.values())
        return Rated(np.array(items, dtype=np.int64), np.array(stars, dtype=np.float64))

    def popularity(self) -> npt.NDArray[np.float32]:
        """How many users rated each film, by its position in the catalogue."""
        with self._lock:
            return self._popularity.copy()
