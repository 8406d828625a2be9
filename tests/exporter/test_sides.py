from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError
from recwatch_exporter.config import Check

MakeCheck = Callable[..., Check]


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ({"query": "DELETE FROM x; SELECT 1"}, "query holds 2 statements: write one SELECT"),
        ({"query": "DROP TABLE x"}, "query does something else than read: write one SELECT"),
        (
            {"database": "postgresql://h/d", "query": "SELECT lo_import('x')"},
            "query calls lo_import, which does more than read rows: leave it out",
        ),
        ({"database": "typo.duckdb", "table": "x"}, "database must be a URL: write duckdb:///typo.duckdb"),
        ({"database": "file://typo.db", "table": "x"}, "database must be a URL: write sqlite:///typo.db"),
        ({"database": "sqlte:///x.db", "table": "x"}, r"engine that is not known: did you mean sqlite\?"),
        ({"database": "mysql://u:s3cret@h/d", "table": "x"}, "mysql cannot be used: its driver is not"),
        ({"database": "sqlite://x.db", "table": "x"}, "database names no file: write sqlite:///file"),
        (
            {"path": "https://u:s3cret@example.org/a.parquet"},
            r"path https://u:\*\*\*@example.org/a.parquet is a URL, and nothing is downloaded: mount",
        ),
    ],
)
def test_what_can_never_be_read_is_refused_at_once(
    make_check: MakeCheck, tmp_path: Path, side: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_check(current=side)

    assert "s3cret" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drift.yml"]


def test_an_engine_may_read_urls(make_check: MakeCheck) -> None:
    side = {"database": "pyspark://local[1]", "path": "s3a://lake/ratings/"}

    assert str(make_check(current=side).current.path).endswith("s3a:/lake/ratings")


def test_the_database_of_a_check_reaches_queries_and_tables_of_its_sides(make_check: MakeCheck) -> None:
    check = make_check(
        database="sqlite:///store.db",
        reference={"query": "SELECT rating FROM scores"},
        current={"table": "scores"},
    )

    assert check.reference is not None
    assert (check.reference.database, check.current.database) == ("sqlite:///store.db", "sqlite:///store.db")


def test_files_and_a_database_of_its_own_go_their_own_way(make_check: MakeCheck) -> None:
    check = make_check(
        database="sqlite:///store.db",
        table="scores",
        reference={"path": "a.csv"},
        current={"database": "sqlite:///other.db", "table": "b"},
    )
    files = make_check(database="sqlite:///store.db", current={"query": "FROM 'a.csv'", "database": None})

    assert check.reference is not None
    assert (check.reference.database, check.reference.table) == (None, None)
    assert (check.current.database, check.current.table) == ("sqlite:///other.db", "b")
    assert files.current.database is None
