"""The tables of record: who trained what, how each request went, how good predictions turned out to be.

SQLite in a file, or PostgreSQL by URL. Needs the extra `store`, PostgreSQL the extra `postgres`.
"""

from recwatch.extras import lacking

try:
    import sqlalchemy  # noqa: F401 - for the modules below
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[store]") from error

from recwatch.store.aggregates import aggregate
from recwatch.store.engine import create_store_engine
from recwatch.store.retention import Retention
from recwatch.store.store import Store, open_store
from recwatch.store.tables import (
    iteration_metrics,
    metadata,
    pipeline_runs,
    predictions,
    requests,
    reranking_metrics,
    service_health,
    training_runs,
)
from recwatch.store.times import UtcDateTime

__all__ = [
    "Retention",
    "Store",
    "UtcDateTime",
    "aggregate",
    "create_store_engine",
    "iteration_metrics",
    "metadata",
    "open_store",
    "pipeline_runs",
    "predictions",
    "requests",
    "reranking_metrics",
    "service_health",
    "training_runs",
]
