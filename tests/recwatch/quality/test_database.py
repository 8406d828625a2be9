import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.quality import Classification, Ranking, Suggestions, Window
from recwatch.quality.database import StoreJournal
from recwatch.quality.journal import Settings
from recwatch.quality.records import Feedback, Prediction
from recwatch.store.tables import predictions

START = 1_800_000_000.0
MakeJournal = Callable[..., StoreJournal]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def make(make_settings: Callable[..., Settings], url: str) -> Iterator[MakeJournal]:
    """A journal on the store: `make(window=..., ...)`."""
    made: list[StoreJournal] = []

    def journal(**values: Any) -> StoreJournal:
        made.append(StoreJournal(make_settings(**values), url, timeout=0.1))
        return made[-1]

    yield journal
    for each in made:
        each.close()


def prediction(key: str, at: float = START, **values: Any) -> Prediction:
    return Prediction(key, at, **{"variant": "default", "score": 0.9, "predicted": 1.0, **values})


def rows(url: str) -> list[dict[str, Any]]:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            query = sa.select(predictions).order_by(predictions.c.prediction_id)
            return [dict(row) for row in connection.execute(query).mappings()]
    finally:
        engine.dispose()


def test_a_pair_is_joined_and_shown_by_every_process(
    make: MakeJournal, counted: Callable[[], dict[str, float]]
) -> None:
    one, other = make(), make()
    one.predict(prediction("a"))
    assert one.work() is True
    other.label(Feedback("a", START + 5, 1.0))
    assert other.work() is True
    assert one.rows().tolist() == other.rows().tolist() == [[0.9, 1.0, 1.0]]
    assert (counted()["prediction"], counted()["feedback"]) == (1, 1)


def test_a_row_holds_what_was_said(make: MakeJournal, url: str) -> None:
    journal = make(task=Ranking())
    said = prediction(
        "a",
        START + 0.25,
        version="v3",
        variant="rerank",
        items=(3, "x"),
        unit=2**52 - 1,
        features='{"k": 1}',
        score=None,
    )
    journal.predict(said)
    journal.label(Feedback("a", START + 7.5, 1.0, ("x",)))
    journal.work()
    (row,) = rows(url)
    assert (row["timestamp"].timestamp(), row["labelled_at"].timestamp()) == (START + 0.25, START + 7.5)
    assert (row["version"], row["variant"], row["features"]) == ("v3", "rerank", '{"k": 1}')
    assert (row["items"], row["taken"], row["unit"]) == ('[3, "x"]', '["x"]', 2**52 - 1)
    assert (row["status"], row["sequence"], row["score"], row["label"]) == ("joined", 1, None, 1.0)


def test_models_do_not_see_one_another(make: MakeJournal) -> None:
    one, other = make(), make(model="other")
    for journal in (one, other):
        journal.predict(prediction("a"))
        journal.work()
    one.label(Feedback("a", START, 1.0))
    one.work()
    assert (len(one.rows()), len(other.rows())) == (1, 0)


def test_the_window_is_read_anew_after_a_restart(make: MakeJournal) -> None:
    before = make(window=Window(count=3))
    for number in range(5):
        before.predict(prediction(f"p{number}", score=number / 10))
        before.label(Feedback(f"p{number}", START, 1.0))
        before.work()
    assert [row[0] for row in before.rows().tolist()] == [0.2, 0.3, 0.4]
    assert make(window=Window(count=3)).rows().tolist() == before.rows().tolist()
    assert [row[0] for row in make(window=Window(count=2)).rows().tolist()] == [0.3, 0.4]


def test_what_gets_no_label_counts_as_the_task_says_and_once(
    make: MakeJournal, clock: Any, counted: Callable[[], dict[str, float]]
) -> None:
    journals = [make(task=Suggestions(), grace=10.0), make(task=Suggestions(), grace=10.0)]
    journals[0].predict(prediction("a"))
    journals[0].work()
    clock.now += 105
    for journal in journals:
        journal.work()
    assert counted()["unlabelled"] == 0  # within the grace
    clock.now += 20
    for journal in journals:
        journal.work()
    assert counted()["unlabelled"] == 1
    assert [len(journal.rows()) for journal in journals] == [1, 1]
    journals[1].label(Feedback("a", START + 5, 1.0))
    journals[1].work()
    assert counted()["expired"] == 1


def test_a_label_without_a_prediction_is_unknown_in_the_end_and_leaves_nothing(
    make: MakeJournal, clock: Any, url: str, counted: Callable[[], dict[str, float]]
) -> None:
    journal = make()
    journal.label(Feedback("nobody", START, 1.0))
    journal.work()
    assert [row["status"] for row in rows(url)] == ["early"]
    clock.now += 60
    journal.work()
    assert (rows(url), counted()["unknown"]) == ([], 1)


def test_old_rows_are_deleted_but_the_window_s_stay(make: MakeJournal, clock: Any, url: str) -> None:
    journal = make(window=Window(count=2), expiry=10.0, retention=1_000.0)
    for number in range(5):
        journal.predict(prediction(f"p{number}"))
        journal.label(Feedback(f"p{number}", START, 1.0))
    journal.predict(prediction("unlabelled"))
    journal.work()
    clock.now += 20
    journal.work()
    assert len(rows(url)) == 6
    clock.now += 1_000
    journal.work()
    assert [row["prediction_id"] for row in rows(url)] == ["p3", "p4"]


def test_a_locked_database_keeps_everything_for_the_next_turn(
    make_settings: Callable[..., Settings], store_url: str, counted: Callable[[], dict[str, float]]
) -> None:
    journal = StoreJournal(make_settings(), store_url, timeout=0.05)
    journal.predict(prediction("a"))
    journal.work()
    lock = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    journal.predict(prediction("b"))
    journal.label(Feedback("a", START, 1.0))
    with pytest.raises(StoreError, match="is locked"):
        journal.work()
    lock.execute("ROLLBACK")
    lock.close()
    assert journal.work() is True
    assert (counted()["prediction"], counted()["feedback"]) == (2, 1)
    journal.close()


def test_a_batch_that_was_committed_without_an_answer_counts_once(
    make: MakeJournal, counted: Callable[[], dict[str, float]], dropped: Callable[[str], float]
) -> None:
    journal = make()
    journal.predict(prediction("a", START + 0.123456789))
    journal.label(Feedback("a", START + 5.987654321, 1.0))
    journal.predict(prediction("b"))
    waiting = list(journal._queue)
    journal.work()
    # As if the connection had broken after the commit: nothing was counted, and the batch comes again.
    before = counted()
    journal._queue.extend(waiting)
    journal._again = len(waiting)
    journal.work()
    after = counted()
    assert after["prediction"] - before["prediction"] == 2
    assert after["feedback"] - before["feedback"] == 1
    assert (after["duplicate"], dropped("repeated"), len(journal.rows())) == (0, 0, 1)


def test_one_that_cannot_be_written_costs_itself_alone(
    make: MakeJournal, counted: Callable[[], dict[str, float]], dropped: Callable[[str], float]
) -> None:
    journal = make()
    for number in range(3):
        journal.predict(prediction(f"p{number}", unit=2**70 if number == 1 else None))
    assert journal.work() is True
    assert (counted()["prediction"], dropped("error")) == (2, 1)


def test_a_full_queue_drops_what_comes(make: MakeJournal, dropped: Callable[[str], float]) -> None:
    journal = make(capacity=2)
    assert [journal.predict(prediction(str(number))) for number in range(4)] == [True, True, False, False]
    assert dropped("full") == 2
    journal.work()
    assert journal.predict(prediction("later")) is True


def test_what_waits_at_the_end_is_counted_as_dropped(
    make_settings: Callable[..., Settings], dropped: Callable[[str], float]
) -> None:
    journal = StoreJournal(make_settings(), "postgresql+psycopg://127.0.0.1:1/nowhere")
    journal.predict(prediction("a"))
    with pytest.raises(StoreError):
        journal.work()
    journal.close()
    assert dropped("closed") == 1


def test_a_forked_child_leaves_what_waits_to_its_parent(
    make: MakeJournal, counted: Callable[[], dict[str, float]]
) -> None:
    journal = make()
    journal.work()
    journal.predict(prediction("a"))
    journal.forked()
    assert journal.work() is True
    assert counted()["prediction"] == 0
    (parents,) = journal._parents
    assert parents is not journal._engine
    parents.dispose()


def test_a_database_restored_from_a_copy_is_read_from_its_beginning(make: MakeJournal, url: str) -> None:
    journal = make()
    for number in range(3):
        journal.predict(prediction(f"p{number}"))
        journal.label(Feedback(f"p{number}", START, 1.0))
    journal.work()
    assert len(journal.rows()) == 3
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE prediction_sequences SET sequence = 1"))
        connection.execute(sa.text("DELETE FROM predictions WHERE sequence > 1"))
    engine.dispose()
    assert len(journal.rows()) == 1


def test_the_classes_of_a_task_may_be_read_without_a_score(make: MakeJournal) -> None:
    journal = make(task=Classification())
    journal.predict(prediction("a", score=None))
    journal.label(Feedback("a", START, 0.0))
    journal.work()
    assert str(journal.rows().tolist()) == "[[nan, 1.0, 0.0]]"
