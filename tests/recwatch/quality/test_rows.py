from hypothesis import given
from hypothesis import strategies as st

from recwatch.quality.records import Feedback, Prediction, Record
from recwatch.quality.rows import from_row, time_of, to_row

Seconds = st.integers(0, 4_000_000_000_000_000).map(
    lambda microseconds: time_of(microseconds / 1e6).timestamp()
)
Items = st.lists(st.integers() | st.text(max_size=5), max_size=4).map(tuple)
Predictions = st.builds(
    Prediction,
    st.just("p"),
    Seconds,
    st.sampled_from(["default", "rerank"]),
    st.none() | st.just("v1"),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.floats(allow_nan=False),
    Items,
    st.none() | st.integers(0, 2**52),
    st.none() | st.just("{}"),
)
Labels = st.builds(Feedback, st.just("p"), Seconds, st.floats(allow_nan=False), Items)


@given(st.sampled_from(["waiting", "joined"]), st.none() | Predictions, st.none() | Labels)
def test_a_record_comes_back_as_it_was(
    status: str, prediction: Prediction | None, label: Feedback | None
) -> None:
    record = Record(status, prediction, label)  # type: ignore[arg-type]
    row = to_row("reviews", "p", record, 7)
    assert from_row(row) == record
    assert (row["model"], row["prediction_id"], row["sequence"]) == ("reviews", "p", 7)
