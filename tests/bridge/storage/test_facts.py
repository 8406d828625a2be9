from recwatch_bridge.storage import facts
from recwatch_bridge.storage.facts import Fact
from recwatch_bridge.storage.store import Store


def test_a_fact_is_kept_replaced_and_forgotten(store: Store) -> None:
    with store.write() as connection:
        assert facts.get(connection, "heard") is None
        facts.put(connection, "heard", Fact(1.0))
        facts.put(connection, "heard", Fact(2.0, "a"))
    with store.read() as connection:
        assert facts.get(connection, "heard") == Fact(2.0, "a")
    with store.write() as connection:
        facts.forget(connection, "heard")
        facts.forget(connection, "heard")
        assert facts.get(connection, "heard") is None


def test_only_one_of_two_swaps_it(store: Store) -> None:
    with store.write() as connection:
        assert facts.swap(connection, "looked", None, Fact(1.0))
        assert not facts.swap(connection, "looked", None, Fact(2.0))
        assert facts.swap(connection, "looked", Fact(1.0), Fact(2.0, "a"))
        assert not facts.swap(connection, "looked", Fact(1.0), Fact(3.0))
        assert not facts.swap(connection, "looked", Fact(2.0), Fact(3.0))
        assert facts.get(connection, "looked") == Fact(2.0, "a")
