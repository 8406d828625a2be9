"""Candidate against the version in service, on one hold-out and the same users: what the gate reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from recommender.factors import FactorModel
from recommender.interactions import Interactions
from recommender.judge import Judgement, judge

Pairs = Mapping[str, list[list[float]]]


@dataclass(frozen=True)
class Result:
    """What a trainer tells whoever started it (the file that RECWATCH_RESULT names).

    Attributes:
        version: the candidate.
        metrics: of the candidate.
        serving_metrics: of the version in service, on the same users; None when there is none.
        samples: how many users that is.
        pairs: metric to [candidate, serving] of each user; empty without a version in service.
    """

    version: str
    metrics: Mapping[str, float]
    serving_metrics: Mapping[str, float] | None
    samples: int
    pairs: Pairs

    def to_json(self) -> dict[str, object]:
        """The document of the file."""
        return asdict(self)


def compare(
    version: str,
    candidate: FactorModel,
    serving: FactorModel | None,
    *,
    judged: Judgement,
    known: Interactions,
    held_out: Interactions,
) -> Result:
    """Judge both on the users that both know; without a version in service, the candidate on all its users.

    Args:
        version: the candidate's.
        candidate: the model that was just trained.
        serving: the model in service; None when there is none.
        judged: the candidate on all its users.
        known: ratings from before the candidate's hold-out.
        held_out: the candidate's hold-out; neither was trained on anything of it.
    """
    if serving is None:
        return Result(version, judged.metrics(), None, len(judged.user_id), {})
    shared = np.intersect1d(candidate.user_id, serving.user_id)
    ours = judge(candidate, known=known, held_out=held_out, users=shared)
    theirs = judge(serving, known=known, held_out=held_out, users=shared)
    pairs = {
        name: np.stack([values, theirs.per_user[name]], axis=1).tolist()
        for name, values in ours.per_user.items()
    }
    return Result(version, ours.metrics(), theirs.metrics(), len(ours.user_id), pairs)
