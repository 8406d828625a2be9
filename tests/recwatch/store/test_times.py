from datetime import UTC, datetime, timedelta, timezone

import pytest

from recwatch.errors import StoreError
from recwatch.store import Store

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    local = AT.astimezone(timezone(timedelta(hours=7)))
    store.save_run({"run_id": "als_1", "started_at": local, "completed_at": None})
    (row,) = store.runs()
    assert (row["started_at"], row["completed_at"]) == (AT, None)
    assert row["started_at"].tzinfo == UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no time zone"):
        store.save_run({"run_id": "als_1", "started_at": AT.replace(tzinfo=None)})
