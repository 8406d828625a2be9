from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from recwatch.quality import Experiment, Suggestions
from recwatch.quality.experiment import ASSIGNED
from recwatch.quality.journal import Settings
from recwatch.quality.moments import Moments
from recwatch.quality.records import Feedback, Prediction
from recwatch.quality.settling import expire, read_joined, read_sequence, read_totals, settle
from recwatch.store import create_store_engine, open_store

START = 1_800_000_000.0
MakeSettings = Callable[..., Settings]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    url = str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))
    open_store(url).close()
    engine = create_store_engine(url)
    yield engine
    engine.dispose()


def predictions(count: int, variant: str = "default") -> list[Prediction]:
    return [Prediction(f"p{number}", START, variant) for number in range(count)]


def labels(count: int) -> list[Feedback]:
    return [Feedback(f"p{number}", START + 1, float(number % 2)) for number in range(count)]


def test_joins_are_read_in_their_order_and_in_parts(engine: sa.Engine, make_settings: MakeSettings) -> None:
    settings = make_settings(task=Suggestions())
    with engine.begin() as connection:
        settle(connection, settings, [*predictions(4), *reversed(labels(4))])
    with engine.begin() as connection:
        assert read_sequence(connection, "reviews") == 4
        read = [
            prediction.prediction_id for prediction, _ in read_joined(connection, settings, after=1, up_to=3)
        ]
    assert read == ["p2", "p1"]


def test_a_transaction_that_does_not_end_leaves_nothing(
    engine: sa.Engine, make_settings: MakeSettings
) -> None:
    with engine.connect() as connection:
        settle(connection, make_settings(task=Suggestions()), [*predictions(4), *labels(4)])
        connection.rollback()
    with engine.begin() as connection:
        assert read_sequence(connection, "reviews") == 0


def test_many_expire_in_parts(engine: sa.Engine, make_settings: MakeSettings) -> None:
    settings = make_settings(task=Suggestions())
    with engine.begin() as connection:
        settle(connection, settings, predictions(2_500))
    expired = []
    more = True
    while more:
        with engine.begin() as connection:
            settled, more = expire(connection, settings, START + 101)
        expired.append(len(settled.events))
    assert expired == [2_000, 500]
    with engine.begin() as connection:
        assert read_sequence(connection, "reviews") == 2_500


def test_totals_add_up_over_transactions(engine: sa.Engine, make_settings: MakeSettings) -> None:
    experiment = Experiment("rerank", {"a": 0.5, "b": 0.5}, "a", datetime.fromtimestamp(START, UTC))
    settings = make_settings(task=Suggestions(), experiment=experiment)
    entries: list[Prediction | Feedback] = [*predictions(6, "b"), *labels(6)]
    for entry in entries:
        with engine.begin() as connection:
            settle(connection, settings, [entry])
    with engine.begin() as connection:
        totals = read_totals(connection, "reviews", "rerank")
        assert read_totals(connection, "reviews", "another") == {}
    assert totals["b", ASSIGNED] == Moments(6, 1.0, 0.0)
    assert totals["b", "acceptance_rate"] == pytest.approx(Moments(6, 0.5, 1.5))
