"""The split by user and time: what is never trained on.

Each user's newest fifth of ratings is the hold-out, counted over everything known of that user and not over
the window that is trained on. So the part that is trained on only ever grows at its end, and nothing of a
later hold-out was trained on by an earlier version: both can be judged on it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommender.interactions import Interactions

MIN_RATINGS = 5
"""A user with fewer ratings has no hold-out."""


@dataclass(frozen=True)
class Split:
    """Ratings before and after each user's cut.

    Attributes:
        train: each user's older ratings.
        held_out: each user's newest fifth.
    """

    train: Interactions
    held_out: Interactions


def held_out_mask(user_id: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mark each user's newest fifth, rounded up.

    Args:
        user_id: int64, rows ordered by user, then by time.

    Returns:
        bool, as long as the input.
    """
    _, start, count = np.unique(user_id, return_index=True, return_counts=True)
    position = np.arange(len(user_id)) - np.repeat(start, count)
    kept = np.where(count >= MIN_RATINGS, count - (count + 4) // 5, count)
    return np.asarray(position >= np.repeat(kept, count))


def split_by_user_and_time(ratings: Interactions) -> Split:
    """Cut off each user's newest fifth.

    Args:
        ratings: as `Interactions.ratings` orders them: by user, then by time.
    """
    mask = held_out_mask(ratings.user_id)
    return Split(train=ratings.take(~mask), held_out=ratings.take(mask))
