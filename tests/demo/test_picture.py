from recwatch_demo.picture import Series, spans, to_series


def test_a_range_querys_answer_becomes_seconds_since_the_start() -> None:
    rows = [{"metric": {"check": "a"}, "values": [[100.5, "1"], [101.5, "2.5"]]}]
    assert to_series(rows, origin=100.0) == [Series({"check": "a"}, [0.5, 1.5], [1.0, 2.5])]


def test_a_series_that_comes_and_goes_has_several_spans() -> None:
    series = Series({}, [1.0, 2.0, 3.0, 7.0, 8.0, 20.0], [1.0] * 6)
    assert spans(series, gap=2.0) == [(1.0, 3.0), (7.0, 8.0), (20.0, 20.0)]
    assert spans(Series({}, [], []), gap=2.0) == []
