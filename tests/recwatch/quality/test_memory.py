import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recwatch.quality import Ranking, Suggestions
from recwatch.quality.journal import Settings
from recwatch.quality.memory import MemoryJournal
from recwatch.quality.records import Feedback, Prediction, Record

START = 1_800_000_000.0
MakeSettings = Callable[..., Settings]


def prediction(key: str, at: float = START, **values: Any) -> Prediction:
    return Prediction(key, at, **{"variant": "default", "score": 0.9, "predicted": 1.0, **values})


def test_a_pair_is_joined_at_once(
    make_settings: MakeSettings, counted: Callable[[], dict[str, float]]
) -> None:
    journal = MemoryJournal(make_settings())
    assert journal.predict(prediction("a")) is True
    assert journal.label(Feedback("a", START + 5, 0.0)) is True
    assert journal.rows().tolist() == [[0.9, 1.0, 0.0]]
    journal.work()
    assert (counted()["prediction"], counted()["feedback"]) == (1, 1)


def test_a_label_from_before_its_prediction_has_no_lag(make_settings: MakeSettings, registry: Any) -> None:
    journal = MemoryJournal(make_settings())
    journal.predict(prediction("a"))
    journal.label(Feedback("a", START - 30, 1.0))
    journal.predict(prediction("b"))
    journal.label(Feedback("b", START + 30, 1.0))
    journal.work()
    assert registry.get_sample_value("model_feedback_lag_seconds_sum", {"model": "reviews"}) == 30.0


def test_memory_is_bounded_and_what_does_not_fit_is_counted(
    make_settings: MakeSettings, clock: Any, dropped: Callable[[str], float]
) -> None:
    journal = MemoryJournal(make_settings(capacity=3))
    assert [journal.predict(prediction(str(number))) for number in range(5)] == [True] * 3 + [False] * 2
    assert journal.label(Feedback("nobody", START, 1.0)) is False
    assert journal.label(Feedback("0", START, 1.0)) is True
    assert dropped("full") == 3
    clock.now += 201  # twice the expiry
    journal.work()
    assert journal.predict(prediction("later", clock.now)) is True
    assert (len(journal._records), len(journal._due)) == (1, 1)


def test_what_was_settled_first_makes_room(
    make_settings: MakeSettings, dropped: Callable[[str], float], counted: Callable[[], dict[str, float]]
) -> None:
    journal = MemoryJournal(make_settings(capacity=100))
    journal.predict(prediction("waits"))
    for number in range(5_000):
        assert journal.predict(prediction(str(number))) is True
        assert journal.label(Feedback(str(number), START, 1.0)) is True
        if number % 500 == 0:
            journal.work()
    journal.work()
    assert dropped("full") == 0
    assert (counted()["prediction"], counted()["feedback"]) == (5_001, 5_000)
    assert journal._records.keys() == {"waits", *map(str, range(4_901, 5_000))}
    assert len(journal._settled) == 99
    assert len(journal._due) < 2_000
    # A second label of one that is remembered is told from one of an id that is not.
    journal.label(Feedback("4999", START, 1.0))
    journal.label(Feedback("waits", START, 1.0))
    journal.work()
    assert (counted()["duplicate"], counted()["feedback"]) == (1, 5_001)


def test_what_expired_makes_room_too(
    make_settings: MakeSettings, clock: Any, dropped: Callable[[str], float]
) -> None:
    journal = MemoryJournal(make_settings(capacity=2))
    journal.predict(prediction("a"))
    journal.predict(prediction("b"))
    assert journal.predict(prediction("c")) is False
    clock.now += 101
    journal.work()
    assert [journal.predict(prediction(key, clock.now)) for key in "cde"] == [True, True, False]
    assert dropped("full") == 2


def test_a_restart_remembers_what_was_settled(make_settings: MakeSettings, tmp_path: Path) -> None:
    journal = MemoryJournal(make_settings(capacity=2), tmp_path / "state.npz")
    for key in "ab":
        journal.predict(prediction(key))
    journal.label(Feedback("b", START, 1.0))
    journal.close()
    again = MemoryJournal(make_settings(capacity=2), tmp_path / "state.npz")
    assert again.predict(prediction("c")) is True
    assert again._records.keys() == {"a", "c"}


def test_nothing_is_left_of_many_in_any_order_once_they_are_over(
    make_settings: MakeSettings, clock: Any
) -> None:
    journal = MemoryJournal(make_settings(capacity=10_000))
    rng = random.Random(5)  # noqa: S311 - a test's data
    for _ in range(5_000):
        clock.now += rng.uniform(-2, 3)
        key = str(rng.randrange(500))
        if rng.random() < 0.5:
            journal.predict(prediction(key, clock.now))
        else:
            journal.label(Feedback(key, clock.now, 1.0))
        if rng.random() < 0.1:
            journal.work()
        assert journal._records.keys() <= {key for _, key in journal._due._heap}
    clock.now += 1_000
    journal.work()
    assert (journal._records, len(journal._due), len(journal._settled)) == ({}, 0, 0)


def test_threads_join_each_label_once(
    make_settings: MakeSettings, counted: Callable[[], dict[str, float]]
) -> None:
    journal = MemoryJournal(make_settings(capacity=10_000))
    begin = threading.Barrier(4)

    def run() -> None:
        begin.wait()
        for number in range(500):
            journal.predict(prediction(str(number)))
            journal.label(Feedback(str(number), START, 1.0))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.work()
    assert (counted()["prediction"], counted()["feedback"], counted()["duplicate"]) == (500, 500, 1_500)


def test_what_gets_no_label_counts_as_the_task_says(make_settings: MakeSettings, clock: Any) -> None:
    journal = MemoryJournal(make_settings(task=Suggestions()))
    journal.predict(prediction("a", unit=7))
    clock.now += 101
    journal.work()
    assert journal.rows().tolist() == [[0.0, 7.0]]


def test_items_are_not_kept_once_they_are_judged(make_settings: MakeSettings) -> None:
    journal = MemoryJournal(make_settings(task=Ranking()))
    journal.predict(prediction("a", items=(1, 2, 3)))
    journal.label(Feedback("a", START, 1.0, (2,)))
    assert journal._records["a"] == START


def test_features_are_for_a_store(make_settings: MakeSettings) -> None:
    journal = MemoryJournal(make_settings())
    journal.predict(prediction("a", features="x" * 10_000))
    kept = journal._records["a"]
    assert isinstance(kept, Record)
    assert kept.prediction is not None
    assert kept.prediction.features is None


def test_everything_survives_a_restart(
    make_settings: MakeSettings, clock: Any, tmp_path: Path, counted: Callable[[], dict[str, float]]
) -> None:
    path = tmp_path / "deep" / "state.npz"
    journal = MemoryJournal(make_settings(), path)
    for key in ("joined", "waiting"):
        journal.predict(prediction(key))
    journal.label(Feedback("joined", START, 1.0))
    journal.label(Feedback("early", START, 0.0))
    journal.work()
    journal.close()
    again = MemoryJournal(make_settings(), path)
    assert again.rows().tolist() == [[0.9, 1.0, 1.0]]
    again.label(Feedback("joined", START, 1.0))
    again.label(Feedback("waiting", START, 1.0))
    again.predict(prediction("early"))
    again.work()
    assert (counted()["feedback"], counted()["duplicate"]) == (3, 1)
    assert len(again.rows()) == 3
    clock.now += 1_000
    again.work()
    assert again._records == {}


def test_a_forked_child_leaves_the_state_file_to_its_parent(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    journal = MemoryJournal(make_settings(), tmp_path / "state.npz")
    journal.forked()
    journal.close()
    assert list(tmp_path.iterdir()) == []
