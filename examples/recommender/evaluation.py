"""Ranking metrics as pure functions of arrays, one value a user, so that two models can be compared in pairs.

Sources: NDCG as in Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS
20(4), 2002, with binary gains and the discount 1 / log2(1 + rank) of Burges et al., "Learning to rank using
gradient descent", ICML 2005; catalogue coverage as in Ge, Delgado-Battenfeld and Jannach, "Beyond accuracy:
evaluating recommender systems by coverage and serendipity", RecSys 2010.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

ABSENT = -1
"""Fills a row of recommendations that has fewer than k items; no item has this id."""


def hits(recommended: Ids, user: npt.NDArray[np.intp], relevant: Ids) -> npt.NDArray[np.bool_]:
    """Which recommendations are relevant.

    Args:
        recommended: item ids, users x k, best first; `ABSENT` where there is none.
        user: the row of `recommended` that each relevant item belongs to, n.
        relevant: item ids, n.

    Returns:
        bool, users x k.
    """
    rows = np.repeat(np.arange(len(recommended)), recommended.shape[1])
    items, codes = np.unique(np.concatenate([recommended.ravel(), relevant]), return_inverse=True)
    keys = np.concatenate([rows, user]) * len(items) + codes
    found = np.isin(keys[: len(rows)], keys[len(rows) :])
    return np.asarray(found.reshape(recommended.shape) & (recommended != ABSENT))


def recall_at_k(hit: npt.NDArray[np.bool_], relevant_count: npt.NDArray[np.intp], k: int) -> Floats:
    """Share of a user's relevant items that are among his first k recommendations.

    Args:
        hit: bool, users x at least k, best first.
        relevant_count: relevant items of each user, at least 1.
        k: how many recommendations count.

    Returns:
        Values in 0..1, one a user: |relevant ∩ first k| / |relevant|.
    """
    return np.asarray(hit[:, :k].sum(axis=1) / relevant_count, dtype=np.float64)


def ndcg_at_k(hit: npt.NDArray[np.bool_], relevant_count: npt.NDArray[np.intp], k: int) -> Floats:
    """Normalised discounted cumulative gain of the first k recommendations, binary relevance.

    Args:
        hit: bool, users x at least k, best first.
        relevant_count: relevant items of each user, at least 1.
        k: how many recommendations count.

    Returns:
        Values in 0..1, one a user: sum of hit / log2(1 + rank), over the same sum for the ideal order, which
        has min(k, |relevant|) hits at its head.
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gain = hit[:, :k] @ discount
    ideal = np.cumsum(discount)[np.minimum(relevant_count, k) - 1]
    return np.asarray(gain / ideal, dtype=np.float64)


def coverage(recommended: Ids, item_count: int) -> float:
    """Share of the catalogue that is recommended to anybody at all.

    Args:
        recommended: item ids, users x k; `ABSENT` where there is none.
        item_count: items that could have been recommended.
    """
    if not item_count:
        return 0.0
    return len(np.unique(recommended[recommended != ABSENT])) / item_count


def top_k(scores: npt.NDArray[np.floating], allowed: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.intp]:
    """Positions of each row's k best allowed scores, best first; ties go to the lower position.

    Args:
        scores: users x items, finite.
        allowed: bool, users x items.
        k: how many; at most the number of items.

    Returns:
        users x min(k, items); -1 where a row has fewer allowed items.
    """
    k = min(k, scores.shape[1])
    masked = np.where(allowed, scores, -np.inf)
    # A stable sort of the negatives keeps equal scores in the order of their positions.
    order = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(allowed, order, axis=1), order, -1)
