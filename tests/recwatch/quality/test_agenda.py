from hypothesis import given
from hypothesis import strategies as st

from recwatch.quality.agenda import Agenda


def taken(agenda: Agenda, now: float) -> list[str]:
    result = []
    while (key := agenda.pop(now)) is not None:
        result.append(key)
    return result


@given(st.lists(st.tuples(st.integers(0, 20).map(float), st.sampled_from("abcdef"))), st.integers(0, 20))
def test_what_is_due_comes_in_its_order(entries: list[tuple[float, str]], now: int) -> None:
    agenda = Agenda(entries[::2])
    for at, key in entries[1::2]:
        agenda.add(at, key)
    assert taken(agenda, now) == [key for at, key in sorted(entries) if at < now]
    assert len(agenda) == len([at for at, _ in entries if at >= now])


def test_what_is_no_longer_kept_is_swept_out_in_parts() -> None:
    agenda = Agenda((float(number % 700), f"p{number}") for number in range(5_000))
    kept = {f"p{number}" for number in range(0, 5_000, 10)}
    parts = 1
    while agenda.sweep(kept, 100):
        parts += 1
        if parts == 20:  # requests go on between two parts
            agenda.add(3.5, "new")
            kept.add("new")
    assert parts == 50
    assert len(agenda) == 501
    assert agenda.sweep(kept, 100) is False
    assert taken(agenda, 4.0) == sorted(kept & set(_first_four()), key=_order)


def _first_four() -> list[str]:
    return [f"p{number}" for number in range(5_000) if number % 700 < 4] + ["new"]


def _order(key: str) -> tuple[float, str]:
    return (3.5 if key == "new" else float(int(key[1:]) % 700), key)


def test_few_that_are_over_stay() -> None:
    agenda = Agenda((float(number), f"p{number}") for number in range(1_000))
    assert agenda.sweep(set(), 10_000) is False
    assert len(agenda) == 1_000
