# ruff: noqa: INP001 - Alembic finds migrations by path
"""Runs of pipelines; what a training took from its start to its end."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the column; of trainings so far it holds what they are known to have taken."""
    op.create_table(
        "pipeline_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("stages", sa.Text),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_pipeline_runs_pipeline", "pipeline_runs", ["pipeline"])
    op.add_column("training_runs", sa.Column("elapsed_ms", sa.BigInteger))
    op.execute(
        "UPDATE training_runs SET elapsed_ms = CAST(training_time_seconds * 1000 AS BIGINT) "
        "WHERE training_time_seconds >= 0 AND status <> 'running'"
    )
