"""The bridge's tables as the code uses them; `migrations/` makes them. Times are seconds since the epoch."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

ACTIVE_STATES = ("pending", "running", "gating", "approving", "promoting")
_ACTIVE = text(f"state IN {ACTIVE_STATES}")

_ID = BigInteger().with_variant(Integer, "sqlite")
"""Counts up by itself; on PostgreSQL each alert that repeats uses up a number."""

metadata = MetaData()

# The outbox: one row for each message and sink. `uid` makes the Message-ID; `body` is a Notification as JSON;
# `recipients`, a JSON list, is set once some have it: who is still to get it. `give_up_after` counts from
# `since`: when the message came, was held back no longer, or was taken back from the dead letters.
messages = Table(
    "messages",
    metadata,
    Column("id", _ID, primary_key=True),
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
    Column("since", Float, nullable=False),
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

# Identities of alerts already seen, by channel: a sink, or an action. `told` is when a message last told of
# it. The status `left_out` is of a group that Alertmanager cut short on a day.
alerts = Table(
    "alerts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("starts_at", String(40), nullable=False),
    Column("status", String(16), nullable=False),
    Column("received", Float, nullable=False),
    Column("message_uid", String(32)),
    Column("told", Float),
    Index("alert_episode", "fingerprint", "starts_at"),
    Index("alerts_received", "received"),
    UniqueConstraint("channel", "fingerprint", "starts_at", "status", name="alert_identity"),
)

# Retraining runs. `handle` (what the launcher needs to find its process again),
# `gate` (the decision) and `first_notice` (uid by sink, for threads) are JSON. `serving` is the version
# in service when the run began, empty for none. `watch` is what became of the watch after the promotion:
# pending, passed, rolling_back, then rolled_back or not_rolled_back (the rollback was declined or failed),
# superseded (another version came) or unknown (Prometheus could not tell).
# `no_trainer` is true where a run ended and certainly started none: it costs neither cooldown nor allowance.
runs = Table(
    "runs",
    metadata,
    Column("number", _ID, primary_key=True),
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
    Column("serving", String(128).with_variant(Text, "postgresql")),
    Column("log_url", Text),
    Column("approved_by", String(128)),
    Column("approve_until", Float),
    Column("watch", String(16)),
    Column("watch_until", Float),
    Column("no_trainer", Boolean),
    # One run at a time a model, also if the code above were wrong.
    Index(
        "one_active_run",
        "model",
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
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

# Rollbacks asked for by an alert, by the watch after a promotion or by a person: once an episode. `target` is
# the version that was put back; `serving` the one in service when it was asked for, which nobody may have
# changed meanwhile. `again`: from when on a repeat of the alert may ask anew; none where it may not.
rollbacks = Table(
    "rollbacks",
    metadata,
    Column("number", _ID, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("model", String(64), nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("starts_at", String(40), nullable=False),
    Column("labels", Text),
    Column("serving", Text),
    Column("target", Text),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("error", Text),
    Column("reload", String(16)),
    Column("first_notice", Text),
    Column("again", Float),
    UniqueConstraint("model", "fingerprint", "starts_at", name="rollback_episode"),
    Index("rollbacks_of_model", "model", "number"),
)

# Single facts that outlive a process: when the Watchdog was last heard, when the last weekly look was, when a
# sink may be asked again. `at` is seconds since the epoch, `value` whatever goes with it.
facts = Table(
    "facts",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("at", Float, nullable=False),
    Column("value", Text),
)

# Files that are sent with a message, by its uid: the report. They stay as long as the message does.
attachments = Table(
    "attachments",
    metadata,
    Column("message_uid", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("created", Float, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# Pictures of metrics, drawn once for all sinks, by the uid of the message that shows them or of its firing.
pictures = Table(
    "pictures",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created", Float, nullable=False),
    Column("png", LargeBinary, nullable=False),
    Index("pictures_created", "created"),
)
