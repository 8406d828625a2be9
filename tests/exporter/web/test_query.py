import pytest

from recwatch_exporter.web.query import Query
from recwatch_exporter.web.status import Status


def test_an_address_is_read() -> None:
    query = Query.read({"state": "drift", "q": " Rating  ALS ", "page": "3", "refresh": "off"})
    assert query == Query(state=Status.DRIFT, search="Rating  ALS", page=3, refresh=False)
    assert query.words == ("rating", "als")


@pytest.mark.parametrize(
    "parameters",
    [{}, {"state": "nothing", "page": "-1"}, {"page": "0"}, {"page": "1e9"}, {"page": "9" * 50, "x": "y"}],
)
def test_what_makes_no_sense_is_passed_over(parameters: dict[str, str]) -> None:
    assert Query.read(parameters) == Query()


def test_a_search_is_not_endless() -> None:
    assert len(Query.read({"q": "a" * 10_000}).search) == 200


def test_links_keep_the_rest_but_not_the_page() -> None:
    query = Query(state=Status.FAILED, search="a&b=<c>", page=4, refresh=False)
    assert query.link() == "?state=failed&q=a%26b%3D%3Cc%3E&refresh=off"
    assert query.link(page=2).endswith("&page=2&refresh=off")
    assert query.link(state=None, search="", refresh=True) == "?"


def test_a_link_is_made_of_any_text() -> None:
    assert Query(search="\ud800").link() == "?q=%3F"
