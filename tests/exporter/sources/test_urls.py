from importlib.util import find_spec

import pytest

from recwatch_exporter.sources.urls import check_driver, check_url, dialect_of, scheme_of, unquoted_secret


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a.db",
        "duckdb:////var/lib/a.duckdb",
        "postgresql://u:p@host/db",
        "postgresql+psycopg://host/db",
        "pyspark://local[2]",
        "trino://host:8443/hive",
        "bigquery://project/set",
        "polars://",
    ],
)
def test_urls_of_databases(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("typo.duckdb", "must be a URL: write duckdb:///typo.duckdb$"),
        ("data/x.db", "must be a URL: write sqlite:///data/x.db$"),
        ("file://typo.db", "must be a URL: write sqlite:///typo.db$"),
        ("/var/lib/x", "must be a URL: write such as sqlite:///data/recwatch.db$"),
        ("C:/x.sqlite3", "must be a URL: write sqlite:///C:/x.sqlite3$"),
        ("sqlite://x.db", "names no file: write sqlite:///file"),
        ("duckdb:///", "names no file: write duckdb:///file"),
        ("sqlte:///u:s3cret@x.db", r"sqlte:// asks for an engine that is not known: did you mean sqlite\?$"),
        (
            "postgre://u:s3cret@h/d",
            r"postgre:// asks for an engine that is not known: did you mean postgres\?$",
        ),
        ("qqq://h/d", "qqq:// asks for an engine that is not known: write one of athena, .*, trino$"),
    ],
)
def test_what_is_no_url_of_a_database(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^database {message}"):
        check_url(url)


def test_an_engine_without_its_driver_is_refused() -> None:
    for url in ("postgresql://h/d", "sqlite:///x", "pyspark://local[2]", "polars://"):
        check_driver(url)

    assert find_spec("MySQLdb") is None, "the test needs a driver that is not there"
    with pytest.raises(ValueError, match=r"driver is not installed: install ibis-framework\[mysql\] beside"):
        check_driver("mysql://u:s3cret@h/d")
    assert find_spec("snowflake") is None, "the test needs a driver in a package that is not there"
    with pytest.raises(ValueError, match=r"^snowflake cannot be used: its driver"):
        check_driver("snowflake://u:s3cret@h/d")


@pytest.mark.parametrize(
    ("url", "scheme", "dialect"),
    [
        ("PostgreSQL+psycopg://h/d", "postgresql", "postgres"),
        ("pyspark://local", "pyspark", "spark"),
        ("sqlite:///a", "sqlite", "sqlite"),
        ("trino://h", "trino", "trino"),
    ],
)
def test_the_engine_and_its_dialect(url: str, scheme: str, dialect: str) -> None:
    assert scheme_of(url) == scheme
    assert dialect_of(url) == dialect
    assert dialect_of(None) == "duckdb"
    assert dialect_of("strange://h") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:s3cr%zzet@h/d", True),
        ("postgresql://u:a/b@h/d", True),
        ("postgresql://u:a?b@h/d", True),
        ("postgresql://u:a%25b@h/d", False),
        ("postgresql://u:ab@h/d?options=-cx%3D1", False),
        ("postgresql://h/d", False),
    ],
)
def test_a_password_that_is_not_quoted(url: str, *, expected: bool) -> None:
    assert unquoted_secret(url) is expected
