"""What a reader asks the list of checks for, in the page's address: so it works without any script."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from recwatch_exporter.web.status import Status

_LONGEST_SEARCH = 200
_LAST_PAGE = 100_000


@dataclass(frozen=True)
class Query:
    """The parameters of the page.

    Attributes:
        state: only checks in this state.
        search: only checks in whose name, type, models or features every one of these words occurs.
        page: from 1.
        refresh: whether the page loads itself anew.
    """

    state: Status | None = None
    search: str = ""
    page: int = 1
    refresh: bool = True

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read an address; what it holds that makes no sense is passed over."""
        state, page = parameters.get("state", ""), parameters.get("page", "")
        number = int(page) if page.isdecimal() and len(page) < len(str(_LAST_PAGE)) else 1
        return cls(
            state=Status(state) if state in set(Status) else None,
            search=parameters.get("q", "").strip()[:_LONGEST_SEARCH],
            page=max(1, number),
            refresh=parameters.get("refresh") != "off",
        )

    def link(self, **changes: Any) -> str:
        """A relative address with other parameters; another page is never kept by accident."""
        other = replace(self, **{"page": 1, **changes})
        parameters = {
            "state": other.state,
            "q": other.search,
            "page": other.page if other.page > 1 else None,
            "refresh": None if other.refresh else "off",
        }
        kept = urlencode({key: value for key, value in parameters.items() if value}, errors="replace")
        return f"?{kept}" if kept else "?"

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are searched for, in small letters."""
        return tuple(self.search.casefold().split())
