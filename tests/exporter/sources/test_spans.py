from datetime import UTC, datetime, timedelta

from recwatch_exporter.sources.spans import Span, current_span, reference_span

NOW = datetime(2003, 6, 5, tzinfo=UTC)
MONTH = timedelta(days=30)


def test_the_reference_is_counted_back_from_its_newest_event() -> None:
    assert reference_span(NOW, MONTH) == Span(NOW - MONTH, NOW)


def test_the_reference_without_window_or_rows_is_everything() -> None:
    assert reference_span(NOW, None) == reference_span(None, MONTH) == Span()


def test_the_current_window_is_counted_back_from_its_end() -> None:
    assert current_span(NOW, MONTH, None) == Span(NOW - MONTH, NOW)


def test_the_current_window_starts_after_the_reference() -> None:
    newest = NOW - timedelta(days=3)

    assert current_span(NOW, MONTH, newest) == Span(newest, NOW)
    assert current_span(NOW, MONTH, NOW - timedelta(days=99)) == Span(NOW - MONTH, NOW)
    assert current_span(NOW, None, newest) == Span(newest, None)
    assert current_span(None, MONTH, newest) == Span(newest, None)
