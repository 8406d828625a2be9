import pytest

from recwatch.quality.join import Rules, add_feedback, add_prediction, due, pass_time
from recwatch.quality.records import Feedback, Prediction, Record, Step

RULES = Rules(expiry=100.0, patience=50.0)
PREDICTION = Prediction("p", 1_000.0, "default")


def label(at: float) -> Feedback:
    return Feedback("p", at, 1.0)


def test_a_label_is_joined_with_its_prediction() -> None:
    waiting = add_prediction(None, PREDICTION, RULES)
    assert waiting == Step(Record("waiting", PREDICTION), ("prediction",))
    joined = add_feedback(waiting.record, label(1_010.0), RULES)
    assert joined == (Record("joined", PREDICTION, label(1_010.0)), ("feedback",))


def test_the_label_may_come_first() -> None:
    early = add_feedback(None, label(990.0), RULES)
    assert early == Step(Record("early", None, label(990.0)))
    joined = add_prediction(early.record, PREDICTION, RULES)
    assert joined == (Record("joined", PREDICTION, label(990.0)), ("prediction", "feedback"))


def test_a_second_label_is_a_duplicate_whether_it_is_early_or_late() -> None:
    early = Record("early", None, label(990.0))
    joined = Record("joined", PREDICTION, label(1_010.0))
    assert add_feedback(early, label(991.0), RULES) == (early, ("duplicate",))
    assert add_feedback(joined, label(1_011.0), RULES) == (joined, ("duplicate",))


def test_a_second_prediction_changes_nothing() -> None:
    for record in (Record("waiting", PREDICTION), Record("joined", PREDICTION, label(1_010.0))):
        other = PREDICTION._replace(at=1_001.0)
        assert add_prediction(record, other, RULES) == (record, ("repeated",))


@pytest.mark.parametrize(("after", "event"), [(100.0, "feedback"), (100.5, "expired")])
def test_a_label_counts_up_to_the_expiry(after: float, event: str) -> None:
    waiting = Record("waiting", PREDICTION)
    assert add_feedback(waiting, label(1_000.0 + after), RULES).events == (event,)
    early = Record("early", None, label(1_000.0 + after))
    assert add_prediction(early, PREDICTION, RULES).events == ("prediction", event)


def test_a_late_label_leaves_the_prediction_to_its_expiry() -> None:
    waiting = Record("waiting", PREDICTION)
    assert add_feedback(waiting, label(1_101.0), RULES).record == waiting
    assert pass_time(waiting, 1_101.0, RULES) == (Record("expired", PREDICTION), ("unlabelled",))
    assert add_feedback(Record("expired", PREDICTION), label(1_010.0), RULES).events == ("expired",)


def test_a_label_that_was_given_in_time_may_reopen_what_counted_as_nothing() -> None:
    rules = RULES._replace(reopens=True)
    expired = Record("expired", PREDICTION)
    joined = add_feedback(expired, label(1_010.0), rules)
    assert joined == (Record("joined", PREDICTION, label(1_010.0)), ("feedback",))
    assert add_feedback(expired, label(1_101.0), rules) == (expired, ("expired",))


def test_an_id_is_remembered_for_twice_the_expiry() -> None:
    for record in (Record("joined", PREDICTION, label(1_010.0)), Record("expired", PREDICTION)):
        assert pass_time(record, 1_200.0, RULES) == (record, ())
        assert pass_time(record, 1_200.5, RULES) == (None, ())


def test_a_label_waits_for_its_prediction_as_long_as_patience_lasts() -> None:
    early = Record("early", None, label(1_000.0))
    assert pass_time(early, 1_050.0, RULES) == (early, ())
    assert pass_time(early, 1_050.5, RULES) == (None, ("unknown",))


def test_grace_holds_a_prediction_open_but_not_the_expiry() -> None:
    rules = RULES._replace(grace=10.0)
    waiting = Record("waiting", PREDICTION)
    assert pass_time(waiting, 1_110.0, rules) == (waiting, ())
    assert pass_time(waiting, 1_111.0, rules).events == ("unlabelled",)
    assert add_feedback(waiting, label(1_105.0), rules).events == ("expired",)
    assert due(Record("expired", PREDICTION), rules) == 1_220.0
