"""Recommending to one user: pure functions of a loaded model, a catalogue and what the user rated."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from recommender.catalogue import Catalogue
from recommender.embeddings import TitleEmbeddings
from recommender.factors import FactorModel
from recommender.memory import Rated

RERANK_POOL = 5
"""Reranking chooses from so many times topk."""
RERANK_RECENT = 10
"""The titles of so many of the user's last films say what he is after."""
RERANK_WEIGHT = 0.3
"""Share of the titles in the reranked score; the model has the rest."""


@dataclass(frozen=True)
class Wish:
    """What a request asks for.

    Attributes:
        user_id: for whom.
        topk: how many items at most.
        exclude_seen: leave out what the user rated.
        genres: any of these; empty for all.
        year_from: first year; None for no bound.
        year_to: last year; None for no bound.
        rerank: order the best by their titles' likeness to the user's last films too.
    """

    user_id: int
    topk: int = 10
    exclude_seen: bool = True
    genres: frozenset[str] = frozenset()
    year_from: int | None = None
    year_to: int | None = None
    rerank: bool = False


@dataclass(frozen=True, eq=False)
class Recommendation:
    """The answer.

    Attributes:
        positions: of the items in the catalogue, best first.
        scores: float, as long as `positions`; comparable within one answer only.
        fallback: the method that stood in for the model; None where the model answered.
        folded_in: whether the user was new to the model and placed by his ratings.
        recent: the user's last films, oldest first.
        reranked: the candidates' scores before, where titles had a say; None where they had none.
    """

    positions: npt.NDArray[np.intp]
    scores: npt.NDArray[np.float64]
    fallback: str | None
    folded_in: bool
    recent: npt.NDArray[np.int64]
    reranked: "Reranked | None"


@dataclass(frozen=True, eq=False)
class Reranked:
    """What reranking had to choose from.

    Attributes:
        collaborative: the model's scores of the candidates.
        content: the cosines of their titles with the user's profile, in the same order.
    """

    collaborative: npt.NDArray[np.float64]
    content: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shelf:
    """Everything that a version in service recommends from, ready to use; never changed, only replaced.

    Attributes:
        catalogue: the films.
        model: None before the first promotion: then everybody gets the popularity fallback.
        titles: None where there are no embeddings: then nothing is reranked.
        model_positions: where the model's items stand in the catalogue; -1 for one that is not there.
    """

    catalogue: Catalogue
    model: FactorModel | None = None
    titles: TitleEmbeddings | None = None
    model_positions: npt.NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        ids = np.array([], dtype=np.int64) if self.model is None else self.model.item_id
        object.__setattr__(self, "model_positions", self.catalogue.positions(ids))


def recommend(wish: Wish, shelf: Shelf, rated: Rated, popularity: npt.NDArray[np.float32]) -> Recommendation:
    """Recommend to one user.

    Args:
        wish: what is asked for.
        shelf: what there is to recommend.
        rated: what the user rated so far.
        popularity: raters of each film of the catalogue, for users whom the model cannot place.

    Returns:
        At most `wish.topk` items; fewer where the filters leave fewer.
    """
    allowed = shelf.catalogue.allowed(genres=wish.genres, year_from=wish.year_from, year_to=wish.year_to)
    if wish.exclude_seen:
        seen = shelf.catalogue.positions(rated.item_id)
        allowed[seen[seen >= 0]] = False
    scores, folded_in = _model_scores(wish.user_id, shelf, rated)
    fallback = None
    if scores is None:
        scores, fallback = np.where(popularity > 0, popularity, -np.inf), "popularity"
    allowed &= np.isfinite(scores)
    titles = shelf.titles if wish.rerank and len(rated) else None
    best = best_positions(scores, allowed, wish.topk * (1 if titles is None else RERANK_POOL))
    chosen = scores[best].astype(np.float64)
    recent = rated.item_id[-RERANK_RECENT:]
    reranked = None
    if titles is not None and len(best):
        content = cosines(titles.of(shelf.catalogue.item_id[best]), titles.of(recent).mean(axis=0))
        reranked = Reranked(chosen, content)
        chosen = rerank_scores(chosen, content)
        order = np.argsort(-chosen, kind="stable")[: wish.topk]
        best, chosen = best[order], chosen[order]
    return Recommendation(best, chosen, fallback, folded_in, recent, reranked)


def _model_scores(user_id: int, shelf: Shelf, rated: Rated) -> tuple[npt.NDArray[np.float32] | None, bool]:
    """Scores over the catalogue (-inf for films that the model does not know), and whether by folding in."""
    if shelf.model is None:
        return None, False
    vector, folded_in = shelf.model.user_vector(user_id), False
    if vector is None:
        vector = shelf.model.fold_in(rated.item_id, rated.rating)
        folded_in = vector is not None
    if vector is None:
        return None, False
    scores = np.full(len(shelf.catalogue), -np.inf, dtype=np.float32)
    known = shelf.model_positions >= 0
    scores[shelf.model_positions[known]] = shelf.model.scores(vector)[known]
    return scores, folded_in


def best_positions(
    scores: npt.NDArray[np.float32], allowed: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.intp]:
    """Positions of the best allowed scores, best first; ties go to the lower position.

    Args:
        scores: one a film; finite where allowed.
        allowed: bool, one a film.
        count: how many at most.
    """
    positions = np.flatnonzero(allowed)
    values = scores[positions]
    if len(positions) > count:
        limit = np.partition(values, len(values) - count)[len(values) - count]
        positions = positions[values >= limit]  # the best, and all that tie with the last of them
    return positions[np.argsort(-scores[positions], kind="stable")][:count]


def cosines(vectors: npt.NDArray[np.float32], profile: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Cosine of each candidate's title with the user's profile; 0 where the profile has no direction.

    Args:
        vectors: unit title vectors, candidates x dimensions.
        profile: mean of the title vectors of the user's last films.
    """
    length = float(np.linalg.norm(profile))
    return (vectors @ profile).astype(np.float64) / length if length else np.zeros(len(vectors))


def rerank_scores(
    scores: npt.NDArray[np.float64], content: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Mix the model's scores, brought to 0..1, with the titles' cosine to the user's profile.

    Args:
        scores: the model's, one a candidate.
        content: the titles' cosines, one a candidate.

    Returns:
        (1 - w) * scaled score + w * (1 + cosine) / 2, in 0..1, w = `RERANK_WEIGHT`.
    """
    span = float(np.ptp(scores))
    scaled = (scores - scores.min()) / span if span else np.ones_like(scores)
    return np.asarray((1.0 - RERANK_WEIGHT) * scaled + RERANK_WEIGHT * (1.0 + content) / 2.0)
