# ruff: noqa: INP001 - Alembic finds migrations by path
"""The tables of trainings, as they were made before there were migrations: what is there is taken up."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "training_runs" not in there:
        op.create_table(
            "training_runs",
            sa.Column("run_id", sa.Text, primary_key=True),
            sa.Column("model_type", sa.Text),
            sa.Column("started_at", sa.DateTime),
            sa.Column("completed_at", sa.DateTime),
            sa.Column("status", sa.Text),
            sa.Column("hyperparameters", sa.Text),
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
        )
    if "iteration_metrics" not in there:
        op.create_table(
            "iteration_metrics",
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
            sa.Column("run_id", sa.Text, sa.ForeignKey("training_runs.run_id")),
            sa.Column("iteration", sa.Integer),
            sa.Column("timestamp", sa.DateTime),
            sa.Column("loss", sa.Double),
            sa.Column("validation_recall", sa.Double),
            sa.Column("validation_ndcg", sa.Double),
            sa.Column("wall_time_seconds", sa.Double),
        )
    op.create_index("ix_training_runs_model_type", "training_runs", ["model_type"], if_not_exists=True)
    op.create_index("ix_iteration_metrics_run_id", "iteration_metrics", ["run_id"], if_not_exists=True)
