from collections.abc import Callable
from typing import Any

import pytest

from recwatch.testing import wait_until
from recwatch_bridge.storage.store import Store

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_the_only_bridge_leads(store: Store) -> None:
    lead = store.lead("watchdog")
    assert lead.held()
    lead.release()
    assert lead.held()


def test_one_of_two_leads_until_it_gives_up(postgresql_url: str, open_store: Callable[[str], Store]) -> None:
    first, second = (open_store(postgresql_url).lead("watchdog") for _ in range(2))
    assert first.held()
    assert not second.held()
    assert first.held()
    first.release()
    assert second.held()
    assert not first.held()


def test_each_name_has_a_lead_of_its_own(postgresql_url: str, open_store: Callable[[str], Store]) -> None:
    first, second = open_store(postgresql_url), open_store(postgresql_url)
    assert first.lead("model:als").held()
    assert second.lead("model:bpr").held()
    assert not second.lead("model:als").held()


def test_a_closed_store_leads_nothing(postgresql_url: str, open_store: Callable[[str], Store]) -> None:
    first, second = open_store(postgresql_url), open_store(postgresql_url)
    assert first.lead("watchdog").held()
    first.close()
    other = second.lead("watchdog")
    wait_until(other.held)


def test_a_lead_whose_connection_is_cut_can_be_had_by_others(
    postgresql: Any, postgresql_url: str, open_store: Callable[[str], Store], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (open_store(postgresql_url).lead("watchdog") for _ in range(2))
    assert first.held()
    assert not second.held()
    postgresql.sql(postgresql_url.rpartition("/")[2], END_SESSIONS)
    # The second's connection was cut as well: it asks by a new one.
    wait_until(second.held)
    assert not first.held()
    assert "watchdog: this bridge does not lead, the database cannot be asked" in caplog.text
    second.release()
    wait_until(first.held)


def test_giving_back_what_was_lost_is_no_error(
    postgresql: Any, postgresql_url: str, open_store: Callable[[str], Store]
) -> None:
    lead = open_store(postgresql_url).lead("watchdog")
    lead.release()
    assert lead.held()
    postgresql.sql(postgresql_url.rpartition("/")[2], END_SESSIONS)
    lead.release()
    wait_until(lead.held)


def test_a_lead_and_a_transaction_may_have_the_same_name(any_store: Store) -> None:
    lead = any_store.lead("model:als")
    assert lead.held()
    with any_store.write() as connection:
        any_store.serial(connection, "model:als")
    assert lead.held()
