from recwatch.quality import Classification, Suggestions
from recwatch.quality.join import Rules
from recwatch.quality.journal import as_unlabelled
from recwatch.quality.records import Feedback, Prediction

RULES = Rules(expiry=100.0, patience=50.0, grace=10.0)
PREDICTION = Prediction("p", 1_000.0, "default")


def test_no_answer_is_an_answer_at_the_expiry_where_the_task_says_so() -> None:
    assert as_unlabelled(PREDICTION, Suggestions(), RULES) == Feedback("p", 1_100.0, 0.0)
    assert as_unlabelled(PREDICTION, Classification(), RULES) is None
