# ruff: noqa: INP001 - Alembic finds migrations by path
"""The tables of the bridge that kept its version in a table `schema_version`: what is there is taken up."""

import sqlalchemy as sa
from alembic import op

from recwatch.errors import StoreError

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, or add what the first version of them lacked."""
    if "schema_version" not in sa.inspect(op.get_bind()).get_table_names():
        _make_outbox()
        _make_alerts()
        _make_runs()
        return
    version = op.get_bind().scalar(sa.text("SELECT version FROM schema_version"))
    if version not in (1, 2):
        raise StoreError(
            f"the bridge's tables are of version {version}, which this program does not know: "
            "name another file at `store`"
        )
    if version == 1:
        op.add_column("messages", sa.Column("recipients", sa.Text))
        op.add_column("runs", sa.Column("serving", sa.String(128)))
    op.drop_table("schema_version")


def _make_outbox() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("uid", sa.String(32), nullable=False, unique=True),
        sa.Column("sink", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("reply_to", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("next_attempt", sa.Float, nullable=False),
        sa.Column("finished", sa.Float),
        sa.Column("error", sa.Text),
        sa.Column("recipients", sa.Text),
    )
    op.create_index("messages_due", "messages", ["sink", "state", "next_attempt"])
    op.create_table(
        "topics",
        sa.Column("message_id", _ID, sa.ForeignKey("messages.id"), primary_key=True),
        sa.Column("topic", sa.String(160), primary_key=True),
        sa.Column("sink", sa.String(32), nullable=False),
    )
    op.create_index("topics_of_sink", "topics", ["sink", "topic", "message_id"])


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("fingerprint", sa.String(128), nullable=False),
        sa.Column("starts_at", sa.String(40), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("received", sa.Float, nullable=False),
        sa.Column("message_uid", sa.String(32)),
        sa.UniqueConstraint("channel", "fingerprint", "starts_at", "status", name="alert_identity"),
    )


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("number", _ID, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        sa.Column("handle", sa.Text),
        sa.Column("version", sa.String(128)),
        sa.Column("gate", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("reload", sa.String(16)),
        sa.Column("first_notice", sa.Text),
        sa.Column("serving", sa.String(128).with_variant(sa.Text(), "postgresql")),
    )
    active = sa.text("state IN ('pending', 'running', 'gating', 'promoting')")
    op.create_index(
        "one_active_run", "runs", ["model"], unique=True, sqlite_where=active, postgresql_where=active
    )
    op.create_index("runs_of_model", "runs", ["model", "number"])
    op.create_table(
        "reasons",
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("fingerprint", sa.String(128), primary_key=True),
        sa.Column("starts_at", sa.String(40), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("joined", sa.Float, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
