"""The bridge's tables. Times are seconds since the epoch, UTC."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

VERSION = 2
"""Of these tables; stands in `schema_version`, so that a later version knows what to migrate."""

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE messages ADD COLUMN recipients TEXT",
        "ALTER TABLE runs ADD COLUMN serving VARCHAR(128)",
    ),
}
"""By version, what leads to the next one."""

ACTIVE_STATES = ("pending", "running", "gating", "promoting")

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# The outbox: one row for each message and sink. `uid` makes the Message-ID; `body` is a Notification as JSON;
# `recipients`, a JSON list, is set once some have it: who is still to get it.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("sink", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("reply_to", String(32)),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("next_attempt", Float, nullable=False),
    Column("finished", Float),
    Column("error", Text),
    Column("recipients", Text),
    Index("messages_due", "sink", "state", "next_attempt"),
)

# What a message is about. Messages of one sink that share a topic leave in the order in which they came.
topics = Table(
    "topics",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("topic", String(160), primary_key=True),
    Column("sink", String(32), nullable=False),
    Index("topics_of_sink", "sink", "topic", "message_id"),
)

# Identities of alerts already seen, by channel: a sink, or the action `retrain`.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("starts_at", String(40), nullable=False),
    Column("status", String(16), nullable=False),
    Column("received", Float, nullable=False),
    Column("message_uid", String(32)),
    UniqueConstraint("channel", "fingerprint", "starts_at", "status", name="alert_identity"),
)

# Retraining runs. `handle` (what the launcher needs to find its process again),
# `gate` (the decision) and `first_notice` (uid by sink, for threads) are JSON. `serving` is the version
# in service when the run began, empty for none.
runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("model", String(64), nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("handle", Text),
    Column("version", String(128)),
    Column("gate", Text),
    Column("error", Text),
    Column("reload", String(16)),
    Column("first_notice", Text),
    Column("serving", String(128)),
    # One run at a time a model, also if the code above were wrong.
    Index(
        "one_active_run",
        "model",
        unique=True,
        sqlite_where=text("state IN ('pending', 'running', 'gating', 'promoting')"),
        postgresql_where=text("state IN ('pending', 'running', 'gating', 'promoting')"),
    ),
    Index("runs_of_model", "model", "number"),
)

# Why a run is: the alerts that started it or joined it. A withdrawn one was resolved before the run began.
reasons = Table(
    "reasons",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("fingerprint", String(128), primary_key=True),
    Column("starts_at", String(40), primary_key=True),
    Column("text", Text, nullable=False),
    Column("joined", Float, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
)
