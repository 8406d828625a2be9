from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recommender.data import data_version, ensure_history, load_movielens, read_all, read_catalogue
from recommender.errors import DataError
from recommender.interaction_log import InteractionLog, Record
from recommender.paths import Home


def test_movielens_is_what_the_documentation_says() -> None:
    ratings, catalogue = load_movielens()
    assert len(ratings) == 100_004
    assert len(np.unique(ratings.user_id)) == 671
    assert len(catalogue) == len(np.unique(ratings.item_id)) == 9066
    assert (np.diff(ratings.timestamp) >= np.timedelta64(0)).all()
    assert all(catalogue.title)


def test_half_stars_begin_in_the_middle_of_may_2003() -> None:
    ratings, _ = load_movielens()
    half = ratings.timestamp[ratings.rating % 1 == 0.5]
    assert half.min().astype("datetime64[D]") == np.datetime64("2003-05-16")


def test_history_ends_where_the_replay_begins(prepared_home: Home) -> None:
    history = read_all(prepared_home)
    assert len(history) == 41_607
    assert history.timestamp.max() < np.datetime64("2003-05-01")


def test_history_is_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ensure_history(home, start=datetime(1996, 6, 1, tzinfo=UTC))
    first = home.history.stat().st_mtime_ns
    ensure_history(home, start=datetime(1997, 1, 1, tzinfo=UTC))
    assert home.history.stat().st_mtime_ns == first


def test_the_interaction_log_follows_history(home: Home) -> None:
    log = InteractionLog(home.interactions)
    moment = datetime(2003, 5, 16, tzinfo=UTC)
    log.append(Record(1, 1, "rating", 4.5, moment, datetime.now(UTC)))
    log.flush()
    everything = read_all(home)
    assert len(everything) == 41_608
    assert everything.timestamp[-1] == np.datetime64("2003-05-16")


def test_a_damaged_catalogue_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(DataError, match=r"items\.parquet cannot be used"):
        read_catalogue(home)


def test_the_data_version_changes_with_the_data(prepared_home: Home) -> None:
    ratings = read_all(prepared_home).ratings()
    version = data_version(ratings)
    assert version.startswith("41607-ratings-to-2003-04-")
    assert data_version(ratings) == version
    assert data_version(ratings.take(np.arange(len(ratings) - 1))) != version
