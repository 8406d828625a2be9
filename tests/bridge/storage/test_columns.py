from collections.abc import Iterator
from pathlib import Path

import pytest

from recwatch_bridge.retraining import rollbacks, runs
from recwatch_bridge.storage.columns import encode
from recwatch_bridge.storage.store import Store

ODD = "a\0b\ud800c\nd"
"""What PostgreSQL does not take, and what no database does."""


def test_text_is_text_and_a_dictionary_json() -> None:
    assert encode({"a": ODD, "b": {"x": ODD}, "c": None, "d": 1.5, "e": True}) == {
        "a": "abc\nd",
        "b": '{"x": "a\\u0000b\\ud800c\\nd"}',
        "c": None,
        "d": 1.5,
        "e": True,
    }
    assert len(str(encode({"a": "x" * 100_000})["a"])) == 4_000
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"a": {"b": float("nan")}})


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    sqlite = request.param == "sqlite"
    store = Store(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("postgresql_url"))
    yield store
    store.close()


def test_what_others_wrote_can_be_stored_of_runs_and_rollbacks(opened: Store) -> None:
    with opened.write() as connection:
        run = runs.get(connection, runs.create(connection, "als", "manual", not_before=0.0, now=0.0))
        assert runs.note(connection, run, error=ODD, log_url=ODD, handle={"x": ODD})
        kept = runs.get(connection, run.id)
        asked = rollbacks.create(connection, "als", trigger="manual", reason="", now=0.0)
        rollback = rollbacks.get(connection, str(asked))
        assert rollbacks.note(connection, rollback, state="failed", error=ODD)
        failed = rollbacks.get(connection, rollback.id)
    assert (kept.error, kept.log_url, kept.handle) == ("abc\nd", "abc\nd", {"x": ODD})
    assert failed.error == "abc\nd"


def test_a_handle_is_stored_where_nobody_has_stored_another(opened: Store) -> None:
    with opened.write() as connection:
        before = runs.get(connection, runs.create(connection, "als", "manual", not_before=0.0, now=0.0))
        assert runs.handled(connection, before, {"task": 1, "at": 0.1})
        assert not runs.handled(connection, before, {"task": 2})
        after = runs.get(connection, before.id)
        assert runs.handled(connection, after, None)
        assert not runs.handled(connection, after, None)
