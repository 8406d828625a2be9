"""How well a model ranks what users rated later: one figure a user, and their means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommender.catalogue import find_sorted
from recommender.evaluation import ABSENT, coverage, hits, ndcg_at_k, recall_at_k, top_k
from recommender.factors import FactorModel
from recommender.interactions import Interactions

CUTOFFS = (10, 20)
_USERS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a hold-out says of a model.

    Attributes:
        user_id: int64, who was judged, ascending.
        per_user: metric to one value a user.
        coverage: share of the candidate items that are recommended to anybody in the first ten.
    """

    user_id: npt.NDArray[np.int64]
    per_user: Mapping[str, npt.NDArray[np.float64]]
    coverage: float

    def metrics(self) -> dict[str, float]:
        """Means over users, and coverage; empty when nobody could be judged."""
        if not len(self.user_id):
            return {}
        means = {name: float(values.mean()) for name, values in self.per_user.items()}
        return means | {"coverage": self.coverage}


def judge(
    model: FactorModel,
    *,
    known: Interactions,
    held_out: Interactions,
    users: npt.NDArray[np.int64] | None = None,
) -> Judgement:
    """Recommend to every user with a hold-out and see what he rated of it.

    What a user had rated before is not recommended. Relevant is everything in the hold-out, also what the
    model does not know and so cannot find.

    Args:
        model: the model.
        known: ratings from before the hold-out.
        held_out: the hold-out.
        users: judge these alone; users whom the model does not know are never judged.
    """
    judged = np.intersect1d(np.unique(held_out.user_id), model.user_id)
    if users is not None:
        judged = np.intersect1d(judged, users)
    recommended = np.concatenate(
        [
            _recommend(model, judged[first : first + _USERS_AT_ONCE], known)
            for first in range(0, max(len(judged), 1), _USERS_AT_ONCE)
        ]
    )
    row = find_sorted(judged, held_out.user_id)
    relevant = row >= 0
    hit = hits(recommended, row[relevant], held_out.item_id[relevant])
    count = np.bincount(row[relevant], minlength=len(judged))
    per_user = {f"recall@{k}": recall_at_k(hit, count, k) for k in CUTOFFS}
    per_user |= {f"ndcg@{k}": ndcg_at_k(hit, count, k) for k in CUTOFFS}
    return Judgement(judged, per_user, coverage(recommended[:, : CUTOFFS[0]], len(model.item_id)))


def _recommend(
    model: FactorModel, users: npt.NDArray[np.int64], known: Interactions
) -> npt.NDArray[np.int64]:
    """Item ids, users x k, best first, without what each user rated before."""
    scores = model.scores(model.user_factors[find_sorted(model.user_id, users)])
    allowed = np.ones(scores.shape, dtype=np.bool_)
    rows, columns = find_sorted(users, known.user_id), model.item_positions(known.item_id)
    seen = (rows >= 0) & (columns >= 0)
    allowed[rows[seen], columns[seen]] = False
    best = top_k(scores, allowed, CUTOFFS[-1])
    ids = np.where(best >= 0, model.item_id[best], ABSENT)
    return np.pad(ids, ((0, 0), (0, CUTOFFS[-1] - ids.shape[1])), constant_values=ABSENT)
