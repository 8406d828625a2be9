"""Single facts that outlive a process, by name. Functions take the connection of a transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, update

from recwatch_bridge.storage.schema import facts
from recwatch_bridge.storage.upsert import insert_new, insert_or_update

# Kept: to build a statement takes SQLAlchemy longer than to carry it out.
_GET = select(facts.c.at, facts.c.value).where(facts.c.name == bindparam("of"))


@dataclass(frozen=True)
class Fact:
    """When something was, in seconds since the epoch, and whatever goes with it."""

    at: float
    value: str | None = None


def get(connection: Connection, name: str) -> Fact | None:
    """Return a fact, or None."""
    row = connection.execute(_GET, {"of": name}).first()
    return None if row is None else Fact(row[0], row[1])


def put(connection: Connection, name: str, fact: Fact) -> None:
    """Store a fact in the place of the one that was known."""
    statement = insert_or_update(connection, facts, ["name"], ["at", "value"])
    connection.execute(statement, {"name": name, "at": fact.at, "value": fact.value})


def swap(connection: Connection, name: str, before: Fact | None, fact: Fact) -> bool:
    """Store a fact if the known one is still `before`; returns False when somebody else has changed it."""
    values = {"at": fact.at, "value": fact.value}
    if before is None:
        created = insert_new(connection, facts, ["name"]).values(name=name, **values)
        return connection.execute(created.returning(facts.c.name)).first() is not None
    changed = (
        update(facts)
        .where(facts.c.name == name, facts.c.at == before.at)
        .where(facts.c.value.is_not_distinct_from(before.value))
        .values(**values)
    )
    return connection.execute(changed).rowcount == 1


def forget(connection: Connection, name: str) -> None:
    """Delete a fact; it need not be there."""
    connection.execute(delete(facts).where(facts.c.name == name))
