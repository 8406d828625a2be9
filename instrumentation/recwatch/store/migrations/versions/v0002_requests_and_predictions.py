# ruff: noqa: INP001 - Alembic finds migrations by path
"""The request log, its aggregates and the predictions; what a training says of its process and its end."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables."""
    _extend_training_runs()
    _create_requests()
    _create_aggregates()
    _create_predictions()


def _extend_training_runs() -> None:
    for column in (
        sa.Column("rmse", sa.Double),
        sa.Column("mae", sa.Double),
        sa.Column("extra_metrics", sa.Text),
        sa.Column("best_iteration", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.Integer),
        sa.Column("process_started_at", sa.Text),
        sa.Column("heartbeat_at", sa.DateTime),
    ):
        op.add_column("training_runs", column)


def _create_requests() -> None:
    row_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "requests",
        sa.Column("id", row_number, primary_key=True, autoincrement=True),
        sa.Column("timestamp", sa.DateTime, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("topk", sa.Integer),
        sa.Column("exclude_seen", sa.Boolean),
        sa.Column("filter_params", sa.Text),
        sa.Column("latency_ms", sa.Double),
        sa.Column("num_recommendations", sa.Integer),
        sa.Column("fallback", sa.Boolean),
        sa.Column("fallback_method", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("model_id", sa.Text),
        sa.Column("variant", sa.Text),
        sa.Column("rerank_enabled", sa.Boolean),
        sa.Column("content_score", sa.Double),
        sa.Column("semantic_alignment", sa.Double),
        sa.Column("diversity", sa.Double),
        sa.Column("status", sa.Text),
        sa.Column("request_id", sa.Text),
    )
    op.create_index("ix_requests_timestamp", "requests", ["timestamp"])


def _create_aggregates() -> None:
    op.create_table(
        "service_health",
        sa.Column("timestamp", sa.DateTime, primary_key=True),
        sa.Column("requests_per_minute", sa.Double),
        sa.Column("avg_latency_ms", sa.Double),
        sa.Column("p95_latency_ms", sa.Double),
        sa.Column("fallback_rate", sa.Double),
        sa.Column("error_rate", sa.Double),
        sa.Column("active_model_id", sa.Text),
    )
    op.create_table(
        "reranking_metrics",
        sa.Column("timestamp", sa.DateTime, primary_key=True),
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


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("prediction_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text),
        sa.Column("variant", sa.Text),
        sa.Column("timestamp", sa.DateTime),
        sa.Column("score", sa.Double),
        sa.Column("predicted", sa.Double),
        sa.Column("features", sa.Text),
        sa.Column("label", sa.Double),
        sa.Column("labelled_at", sa.DateTime),
        sa.Column("items", sa.Text),
        sa.Column("taken", sa.Text),
        sa.Column("unit", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger),
    )
    op.create_index("ix_predictions_timestamp", "predictions", ["timestamp"])
    op.create_index("ix_predictions_model_status_timestamp", "predictions", ["model", "status", "timestamp"])
    op.create_index("ix_predictions_model_sequence", "predictions", ["model", "sequence"])
    op.create_table(
        "prediction_sequences",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "variant_totals",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("experiment", sa.Text, primary_key=True),
        sa.Column("variant", sa.Text, primary_key=True),
        sa.Column("metric", sa.Text, primary_key=True),
        sa.Column("observations", sa.BigInteger, nullable=False),
        sa.Column("mean", sa.Double, nullable=False),
        sa.Column("squares", sa.Double, nullable=False),
    )
