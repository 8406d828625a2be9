# ruff: noqa: INP001 - Alembic finds migrations by path
"""Reminders, dead letters that are sent again, approval, watch; tables of rollbacks, facts and pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns, fill what has no default, and make the new tables."""
    _widen_messages_and_alerts()
    _widen_runs()
    _make_rollbacks()
    op.create_table(
        "facts",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("value", sa.Text),
    )
    op.create_table(
        "pictures",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
    )
    op.create_index("pictures_created", "pictures", ["created"])


def _widen_messages_and_alerts() -> None:
    # SQLite adds no column that must be filled without a default.
    op.add_column("messages", sa.Column("since", sa.Float, nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE messages SET since = created")
    # From now on the topics of a message go when it arrives.
    op.execute("DELETE FROM topics WHERE message_id IN (SELECT id FROM messages WHERE state = 'delivered')")
    op.add_column("alerts", sa.Column("told", sa.Float))
    op.execute("UPDATE alerts SET told = received WHERE message_uid IS NOT NULL")
    op.create_index("alert_episode", "alerts", ["fingerprint", "starts_at"])
    op.create_index("alerts_received", "alerts", ["received"])


def _widen_runs() -> None:
    for column in (
        sa.Column("log_url", sa.Text),
        sa.Column("approved_by", sa.String(128)),
        sa.Column("approve_until", sa.Float),
        sa.Column("watch", sa.String(16)),
        sa.Column("watch_until", sa.Float),
        sa.Column("no_trainer", sa.Boolean),
    ):
        op.add_column("runs", column)
    active = sa.text("state IN ('pending', 'running', 'gating', 'approving', 'promoting')")
    op.drop_index("one_active_run", "runs")
    op.create_index(
        "one_active_run", "runs", ["model"], unique=True, sqlite_where=active, postgresql_where=active
    )


def _make_rollbacks() -> None:
    op.create_table(
        "rollbacks",
        sa.Column("number", _ID, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(128), nullable=False),
        sa.Column("starts_at", sa.String(40), nullable=False),
        sa.Column("labels", sa.Text),
        sa.Column("serving", sa.Text),
        sa.Column("target", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("finished", sa.Float),
        sa.Column("error", sa.Text),
        sa.Column("reload", sa.String(16)),
        sa.Column("first_notice", sa.Text),
        sa.Column("again", sa.Float),
        sa.UniqueConstraint("model", "fingerprint", "starts_at", name="rollback_episode"),
    )
    op.create_index("rollbacks_of_model", "rollbacks", ["model", "number"])
