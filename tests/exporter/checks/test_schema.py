from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.checks.schema import violations

columns = st.dictionaries(st.text(max_size=5), st.sampled_from(["integer", "floating", "text"]), max_size=6)


def test_columns_come_go_and_change() -> None:
    found = violations(
        {"user": "integer", "rating": "floating", "名前": "text"},
        {"rating": "text", "名前": "text", 'a "hostile" name; --': "other"},
        allow_new=False,
    )

    assert found.gone == ("user",)
    assert found.new == ('a "hostile" name; --',)
    assert found.changed == {"rating": ("floating", "text")}
    assert found.number == 3


def test_new_columns_may_be_allowed() -> None:
    assert violations({"a": "text"}, {"a": "text", "b": "text"}, allow_new=True).number == 0


@given(expected=columns, found=columns)
def test_nothing_is_counted_twice(expected: dict[str, str], found: dict[str, str]) -> None:
    there, back = (violations(*pair, allow_new=False) for pair in ((expected, found), (found, expected)))

    same = sum(found.get(name) == kind for name, kind in expected.items())
    assert there.number == back.number == len({*expected, *found}) - same
    assert there.number == 0 or expected != found


@given(expected=columns)
def test_the_order_does_not_matter(expected: dict[str, str]) -> None:
    turned = dict(reversed(expected.items()))

    assert violations(expected, turned, allow_new=False).number == 0
