"""What can be chosen is there as soon as a service answers, whether or not it names its version."""

from typing import Any

import pytest

from recwatch_dashboards import overview, service
from recwatch_dashboards.queries import without_variables


@pytest.mark.parametrize("build", [overview.build, service.build])
@pytest.mark.parametrize("name", ["service", "model"])
def test_a_recommender_without_a_version_can_be_chosen(build: Any, name: str) -> None:
    (variable,) = (found for found in build().build().templating.list_val if found.name == name)

    query = without_variables(str(variable.query))
    assert query.startswith("label_values({__name__=~")
    assert "recommender_requests_total" in query
    assert query.endswith(f", {name})")
