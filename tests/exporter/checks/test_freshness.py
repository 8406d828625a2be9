from datetime import UTC, datetime, timedelta, timezone

import pytest

from recwatch_exporter.checks.freshness import FRESHNESS, age

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_age_in_seconds() -> None:
    assert age(NOW - timedelta(days=2), NOW) == 172_800.0
    assert age(NOW + timedelta(minutes=1), NOW) == -60.0


def test_zones_do_not_matter() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=7)))

    assert age(east, NOW) == 0.0


@pytest.mark.parametrize(
    ("keys", "days"),
    [
        ({}, 1),
        ({"of": "records"}, 1),
        ({"of": "model"}, 7),
        ({"of": "training_data"}, 30),
        ({"of": "file"}, 30),
    ],
)
def test_the_threshold_depends_on_what_is_looked_at(keys: dict[str, str], days: int) -> None:
    assert FRESHNESS.threshold_of(keys) == days * 86_400.0


def test_a_mistake_gets_some_threshold_so_that_it_is_reported_itself() -> None:
    assert FRESHNESS.threshold_of({"of": ["model"]}) == 86_400.0
