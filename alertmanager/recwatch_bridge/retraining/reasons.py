"""The table of reasons, many at a time: a group of Alertmanager may have thousands of alerts.

Functions take the connection of a transaction that the caller opened.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select, tuple_, update

from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage.batches import batches
from recwatch_bridge.storage.schema import reasons, runs
from recwatch_bridge.storage.upsert import insert_or_update

"""In one statement; databases have a limit."""
LOOK = "look:"
"""What the fingerprint of a reason begins with that the weekly look found, and no alert of Alertmanager's."""
_KEY = tuple_(reasons.c.fingerprint, reasons.c.starts_at)

Episode = tuple[str, str]


def join(connection: Connection, run_id: str, joining: Sequence[Reason], now: float) -> None:
    """Add reasons to a run; one that is there already, and was withdrawn, counts again."""
    rows = {
        reason.episode: {
            "run_id": run_id,
            "fingerprint": reason.episode[0],
            "starts_at": reason.episode[1],
            "text": reason.text,
            "joined": now,
            "withdrawn": False,
        }
        for reason in joining
    }
    if rows:
        key = ("run_id", "fingerprint", "starts_at")
        connection.execute(insert_or_update(connection, reasons, key, ["withdrawn"]), list(rows.values()))


def withdraw(connection: Connection, run_id: str, episodes: Collection[Episode]) -> bool:
    """Take reasons back; returns whether there were such, and the run has no other.

    Another one is not what the weekly look found: Alertmanager cannot say that it is over, and it is likely
    to be one of the same alerts.
    """
    changed = 0
    for part in batches(sorted(set(episodes))):
        taken = update(reasons).where(reasons.c.run_id == run_id, _KEY.in_(part)).values(withdrawn=True)
        changed += connection.execute(taken).rowcount
    others = (
        select(reasons.c.run_id)
        .where(reasons.c.run_id == run_id, ~reasons.c.withdrawn)
        .where(~reasons.c.fingerprint.startswith(LOOK))
    )
    return changed > 0 and connection.execute(others.limit(1)).first() is None


def known(connection: Connection, model: str, episodes: Collection[Episode]) -> set[Episode]:
    """Return the episodes that were reasons of one of the model's runs that started a trainer."""
    found: set[Episode] = set()
    for part in batches(sorted(set(episodes))):
        query = (
            select(reasons.c.fingerprint, reasons.c.starts_at)
            .join(runs, runs.c.id == reasons.c.run_id)
            .where(runs.c.model == model, runs.c.started.is_not(None), runs.c.no_trainer.is_not(True))
            .where(_KEY.in_(part))
        )
        found |= {(row[0], row[1]) for row in connection.execute(query)}
    return found
