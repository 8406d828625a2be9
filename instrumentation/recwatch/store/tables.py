"""The tables of record. `docs/store.md` explains every column; `migrations/` makes them, step by step."""

import sqlalchemy as sa

from recwatch.store.times import UtcDateTime

__all__ = [
    "iteration_metrics",
    "metadata",
    "pipeline_runs",
    "prediction_sequences",
    "predictions",
    "requests",
    "reranking_metrics",
    "service_health",
    "training_runs",
    "variant_totals",
]

metadata = sa.MetaData()
# SQLite numbers rows of an INTEGER PRIMARY KEY alone; on PostgreSQL 2,147,483,647 requests are not enough.
_RowNumber = sa.BigInteger().with_variant(sa.Integer, "sqlite")

training_runs = sa.Table(
    "training_runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("model_type", sa.Text, index=True),
    sa.Column("started_at", UtcDateTime),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("status", sa.Text, doc="running, completed or failed"),
    sa.Column("hyperparameters", sa.Text, doc="JSON"),
    sa.Column("recall_at_10", sa.Double),
    sa.Column("recall_at_20", sa.Double),
    sa.Column("ndcg_at_10", sa.Double),
    sa.Column("ndcg_at_20", sa.Double),
    sa.Column("coverage", sa.Double),
    sa.Column("baseline_recall_at_10", sa.Double),
    sa.Column("improvement_pct", sa.Double),
    sa.Column("training_time_seconds", sa.Double),
    sa.Column("data_version", sa.Text),
    sa.Column("git_commit", sa.Text),
    sa.Column("artifacts_path", sa.Text),
    sa.Column("rmse", sa.Double),
    sa.Column("mae", sa.Double),
    sa.Column("extra_metrics", sa.Text, doc="JSON: every metric that has no column"),
    sa.Column("best_iteration", sa.Integer, doc="where early stopping found the best validation"),
    sa.Column("error", sa.Text, doc="why the run failed"),
    sa.Column("host", sa.Text),
    sa.Column("pid", sa.Integer),
    sa.Column("process_started_at", sa.Text, doc="tells the process from a later one with its pid"),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("elapsed_ms", sa.BigInteger, doc="from start to end, earlier runs of this id included"),
)

iteration_metrics = sa.Table(
    "iteration_metrics",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, sa.ForeignKey("training_runs.run_id"), index=True),
    sa.Column("iteration", sa.Integer, doc="ALS iteration or BPR epoch"),
    sa.Column("timestamp", UtcDateTime),
    sa.Column("loss", sa.Double),
    sa.Column("validation_recall", sa.Double),
    sa.Column("validation_ndcg", sa.Double),
    sa.Column("wall_time_seconds", sa.Double),
)

pipeline_runs = sa.Table(
    "pipeline_runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("pipeline", sa.Text, nullable=False, index=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("status", sa.Text, nullable=False, doc="running, completed or failed"),
    sa.Column("stages", sa.Text, doc="JSON: name, seconds and status of each stage, in their order"),
    sa.Column("error", sa.Text, doc="why the run failed"),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", _RowNumber, primary_key=True, autoincrement=True),
    # The only index: what reads this table reads a stretch of time, and each index costs every row.
    sa.Column("timestamp", UtcDateTime, nullable=False, index=True),
    sa.Column("user_id", sa.Text, doc="as it was given, hashed, or NULL"),
    sa.Column("topk", sa.Integer),
    sa.Column("exclude_seen", sa.Boolean),
    sa.Column("filter_params", sa.Text, doc="JSON"),
    sa.Column("latency_ms", sa.Double),
    sa.Column("num_recommendations", sa.Integer),
    sa.Column("fallback", sa.Boolean),
    sa.Column("fallback_method", sa.Text),
    sa.Column("error", sa.Text, doc="the error's class; NULL on success"),
    sa.Column("model_id", sa.Text, doc="model_version, or the model where it said no version"),
    sa.Column("variant", sa.Text),
    sa.Column("rerank_enabled", sa.Boolean),
    sa.Column("content_score", sa.Double),
    sa.Column("semantic_alignment", sa.Double),
    sa.Column("diversity", sa.Double),
    sa.Column("status", sa.Text, doc="success, error or cancelled"),
    sa.Column("request_id", sa.Text),
)

service_health = sa.Table(
    "service_health",
    metadata,
    sa.Column("timestamp", UtcDateTime, primary_key=True, doc="start of the minute"),
    sa.Column("requests_per_minute", sa.Double),
    sa.Column("avg_latency_ms", sa.Double),
    sa.Column("p95_latency_ms", sa.Double),
    sa.Column("fallback_rate", sa.Double),
    sa.Column("error_rate", sa.Double),
    sa.Column("active_model_id", sa.Text),
)

reranking_metrics = sa.Table(
    "reranking_metrics",
    metadata,
    sa.Column("timestamp", UtcDateTime, primary_key=True, doc="start of the hour"),
    sa.Column("requests_with_rerank", sa.Integer),
    sa.Column("requests_without_rerank", sa.Integer),
    sa.Column("avg_latency_rerank_ms", sa.Double),
    sa.Column("avg_latency_cf_only_ms", sa.Double),
    sa.Column("latency_overhead_pct", sa.Double),
    sa.Column("avg_content_score", sa.Double),
    sa.Column("avg_semantic_alignment", sa.Double),
    sa.Column("avg_diversity_rerank", sa.Double),
    sa.Column("avg_diversity_cf_only", sa.Double),
)

# What is waiting for the other half, and since when; what was joined, in the order of joining.
predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("prediction_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text),
    sa.Column("variant", sa.Text),
    sa.Column("timestamp", UtcDateTime, index=True, doc="NULL while only the label is known"),
    sa.Column("score", sa.Double),
    sa.Column("predicted", sa.Double),
    sa.Column("features", sa.Text, doc="JSON"),
    sa.Column("label", sa.Double),
    sa.Column("labelled_at", UtcDateTime),
    sa.Column("items", sa.Text, doc="JSON: the item ids that were recommended, in order"),
    sa.Column("taken", sa.Text, doc="JSON: the item ids that were taken"),
    sa.Column("unit", sa.BigInteger, doc="hash of who was asked"),
    sa.Column("status", sa.Text, nullable=False, doc="waiting, early (label alone), joined or expired"),
    sa.Column("sequence", sa.BigInteger, doc="position among what this model joined; NULL until then"),
    sa.Index("ix_predictions_model_status_timestamp", "model", "status", "timestamp"),
    sa.Index("ix_predictions_model_sequence", "model", "sequence"),
)

# A row a model; a writer holds it while it joins, so that workers join one after another.
prediction_sequences = sa.Table(
    "prediction_sequences",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, doc="position of the newest join"),
)

variant_totals = sa.Table(
    "variant_totals",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("experiment", sa.Text, primary_key=True),
    sa.Column("variant", sa.Text, primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True, doc="a metric, or assigned: how many predictions it made"),
    sa.Column("observations", sa.BigInteger, nullable=False),
    sa.Column("mean", sa.Double, nullable=False),
    sa.Column("squares", sa.Double, nullable=False, doc="sum of squared deviations from the mean"),
)
