"""What every test may need: components that may be missing on a person's machine, but not in CI."""

import os
from typing import Protocol

import pytest

from recwatch_local.errors import ToolsMissingError
from recwatch_local.tools import Tools, find_tools


class Require(Protocol):
    """Says that a test needs a component; see `require_component`."""

    def __call__(self, name: str, *, is_there: bool, remedy: str) -> None:
        """Skip the test, or fail it, where the component is missing."""


@pytest.fixture(scope="session")
def require_component() -> Require:
    """Skip a test whose component is missing; fail it where RECWATCH_REQUIRE_ALL=1, as in CI."""

    def require(name: str, *, is_there: bool, remedy: str) -> None:
        if is_there:
            return
        reason = f"{name} is missing: {remedy}"
        if os.environ.get("RECWATCH_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return require


@pytest.fixture(scope="session")
def tools(require_component: Require) -> Tools:
    """Prometheus and its companions."""
    try:
        return find_tools()
    except ToolsMissingError as error:
        require_component("Prometheus", is_there=False, remedy=str(error))
        raise
