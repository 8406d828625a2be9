"""Lists that somebody takes items from: CTR, hit rate, ndcg, MRR, coverage and novelty."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from recwatch.better import Better, better
from recwatch.errors import QualityError
from recwatch.quality.records import Feedback, Item, Prediction
from recwatch.quality.task import Labelled, Measured, Predicted, Rows, measured
from recwatch.quality.values import code, item, items, number

__all__ = ["Ranking", "ndcg", "novelty", "reciprocal_rank"]

_MOST_K = 100
_FIXED = ("shown", "taken", "hit", "reciprocal_rank", "ndcg", "novelty")


def ndcg(places: Collection[int], relevant: int, k: int) -> float:
    """Normalised discounted cumulative gain at k for items that are relevant or not.

    DCG is the sum of 1 / log2(place + 1) over the relevant places up to k, divided by what an ideal order
    of all relevant items reaches (Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR
    techniques", ACM TOIS 20(4), with logarithm base 2 and discount from the second place on).

    Args:
        places: 1-based places of the relevant items in the list.
        relevant: how many items are relevant, in the list or not.
        k: how many places count.

    Returns:
        Between 0 and 1; 0 where nothing is relevant, as in scikit-learn.
    """
    gain = sum(1 / math.log2(place + 1) for place in places if place <= k)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(relevant, k) + 1))
    return gain / ideal if ideal else 0.0


def reciprocal_rank(places: Collection[int]) -> float:
    """1 / place of the first relevant item, 0 without one.

    Voorhees 1999, "The TREC-8 question answering track report", section 3.

    Args:
        places: 1-based places of the relevant items in the list.
    """
    return 1 / min(places) if places else 0.0


def novelty(shares: Collection[float]) -> float:
    """Mean self-information -log2 p of recommended items, in bits.

    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS
    107(10), where p is the share of users who have the item ("surprisal").

    Args:
        shares: p of each item of a list, above 0 and at most 1.

    Returns:
        0 or more; NaN without items.
    """
    if not shares:
        return math.nan
    return sum(-math.log2(share) for share in shares) / len(shares) + 0.0


@dataclass(frozen=True)
class Ranking:
    """A list of items; its label names the items that were taken from it, or none.

    `ctr` is the share of shown items that were taken; `hit_rate@k` the share of lists with a taken item
    among the first k; `ndcg@k`, `mrr` and `novelty` the means over lists of the functions above; `coverage`
    the share of the catalogue that was shown among the first k of any list (Ge, Delgado-Battenfeld and
    Jannach 2010, "Beyond accuracy", RecSys: catalogue coverage). A list without a label by its expiry
    counts as one that nothing was taken from.

    The first label of a list is its label: a second click that is reported by itself is a duplicate. Give all
    that was taken from a list at once, as a collection.

    Attributes:
        k: how many places count.
        catalogue: items that could be recommended; without it there is no coverage.
        popularity: share of users who have an item, above 0 and at most 1; without it there is no novelty.
            An item that is not in it counts as the least popular one.
    """

    k: int = 10
    catalogue: int | None = None
    popularity: Mapping[Item, float] | None = field(default=None, hash=False)
    unlabelled: ClassVar[Labelled | None] = Labelled(0.0)
    averaged: tuple[str, ...] = field(init=False)
    columns: tuple[str, ...] = field(init=False)
    metrics: Mapping[str, Better] = field(init=False, hash=False)
    _rarest: float = field(init=False, repr=False, default=1.0)

    def __post_init__(self) -> None:
        if type(self.k) is not int or not 1 <= self.k <= _MOST_K:
            raise QualityError(f"k must be 1 to {_MOST_K}; got {self.k!r}")
        if self.catalogue is not None and (type(self.catalogue) is not int or self.catalogue < 1):
            raise QualityError(f"catalogue must be a number of items, 1 or more; got {self.catalogue!r}")
        names = ["ctr", f"hit_rate@{self.k}", f"ndcg@{self.k}", "mrr"]
        object.__setattr__(self, "averaged", tuple(names))
        places = tuple(f"item_{place}" for place in range(1, self.k + 1)) if self.catalogue else ()
        object.__setattr__(self, "columns", (*_FIXED, *places))
        names += ["coverage"] if self.catalogue else []
        if self.popularity is not None:
            shares = [number(share, "popularity") for share in self.popularity.values()]
            if not shares or not all(0 < share <= 1 for share in shares):
                raise QualityError("popularity must hold a share above 0 and at most 1 for at least one item")
            object.__setattr__(self, "_rarest", min(shares))
            names.append("novelty")
        object.__setattr__(self, "metrics", {name: better(name) for name in names})

    def check_prediction(self, score: object, predicted: object, items: object) -> Predicted:
        """The list that was shown, best first."""
        if score is not None or predicted is not None:
            raise QualityError("a ranking is a list: pass `items`, not `score` or `predicted`")
        listed = _items(items)
        if not listed:
            raise QualityError("a ranking needs at least one item: do not record an empty list")
        return Predicted(items=listed)

    def check_label(self, label: object) -> Labelled:
        """The id of the item that was taken, or a collection of ids; an empty one says that nothing was."""
        single = isinstance(label, str | int | np.integer) and not isinstance(label, bool)
        taken = (item(label, "label"),) if single else items(label, "label")
        return Labelled(float(len(taken)), taken)

    def row(self, prediction: Prediction, feedback: Feedback) -> tuple[float, ...]:
        """(shown, taken, hit, reciprocal rank, ndcg, novelty, codes of the first k items for coverage)."""
        wanted = set(feedback.taken)
        places = [place for place, shown in enumerate(prediction.items, 1) if shown in wanted]
        first = prediction.items[: self.k]
        fixed = (
            float(len(prediction.items)),
            float(len(places)),
            float(bool(places) and places[0] <= self.k),
            reciprocal_rank(places),
            ndcg(places, len(wanted), self.k),
            math.nan
            if self.popularity is None
            else novelty([self.popularity.get(shown, self._rarest) for shown in first]),
        )
        if not self.catalogue:
            return fixed
        return (*fixed, *map(code, first), *(math.nan for _ in range(self.k - len(first))))

    def observe(self, row: tuple[float, ...], metric: str) -> float:
        """What one list adds: its own share of taken items, its hit, ndcg or reciprocal rank."""
        if metric == "ctr":
            return row[1] / row[0]
        return row[{f"hit_rate@{self.k}": 2, "mrr": 3}.get(metric, 4)]

    def evaluate(self, rows: Rows) -> dict[str, Measured]:
        """Every metric that the settings allow."""
        lists = len(rows)
        if not lists:
            return {}
        shown, taken, hit, first, gain, surprise = rows.T[: len(_FIXED)]
        result = {
            "ctr": (float(np.sum(taken) / np.sum(shown)), lists),
            f"hit_rate@{self.k}": (float(np.mean(hit)), lists),
            f"ndcg@{self.k}": (float(np.mean(gain)), lists),
            "mrr": (float(np.mean(first)), lists),
        }
        if self.catalogue:
            codes = rows[:, len(_FIXED) :]
            distinct = len(np.unique(codes[~np.isnan(codes)]))
            result["coverage"] = (min(1.0, distinct / self.catalogue), lists)
        if self.popularity is not None:
            result["novelty"] = (float(np.mean(surprise)), lists)
        return measured(**result)


def _items(values: object) -> tuple[Item, ...]:
    return items(values, "items")
