"""How good the lists were, once it is known what was taken from them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry

from recommender.lists import Listing, ShownLists
from recommender.rerank_test import OUTSIDE, TEST, arm_of
from recommender.settings import Settings
from recwatch.quality import QualityMonitor, Ranking

_REFRESH_SECONDS = 10.0
# The share of lists with a hit is about 0.2: of fewer lists it says little.
_MIN_SAMPLES = 100


class ListQuality:
    """Records the lists that the model made and what users took from them; nothing of it waits for I/O.

    Where the test runs, lists are compared by its arms, and those outside of it are not judged.

    Args:
        settings: of the service.
        registry: where the metrics are registered.
        baseline: by metric, what the quality is held against.
    """

    def __init__(
        self, settings: Settings, *, registry: CollectorRegistry, baseline: Mapping[str, float]
    ) -> None:
        self._tests = settings.rerank_test
        wait = settings.feedback_seconds
        self.monitor = QualityMonitor(
            settings.model,
            task=Ranking(k=10),
            baseline=baseline,
            min_samples=_MIN_SAMPLES,
            store=settings.home.store_url,
            expiry=2 * wait,  # a list is settled before that
            experiment=TEST if settings.rerank_test else None,
            refresh=min(_REFRESH_SECONDS, wait),
            registry=registry,
        )
        self.lists = ShownLists(self.monitor.record_feedback, wait_seconds=wait)

    def begin(self, *, asks_for_itself: bool) -> Listing:
        """A list is to be made; outside of the test where the request says itself whether to rerank."""
        list_id = secrets.token_hex(8)
        return Listing(list_id, arm_of(list_id) if self._tests and not asks_for_itself else OUTSIDE)

    def shown(
        self,
        listing: Listing,
        user_id: int,
        items: Sequence[int],
        *,
        version: str | None,
        is_fallback: bool,
    ) -> None:
        """A user is shown the list. A fallback's says nothing of the model, but has clicks all the same."""
        judged = bool(items) and not is_fallback and (listing.variant != OUTSIDE or not self._tests)
        if judged:
            self.monitor.record_prediction(
                listing.list_id, items=items, variant=listing.variant, version=version
            )
        self.lists.show(replace(listing, judged=judged), user_id, items)

    def taken(self, user_id: int, item_id: int) -> str:
        """A user took an item; the arm that made the list which he has it from, as far as that is known."""
        return self.lists.take(user_id, item_id) or OUTSIDE

    def close(self) -> None:
        """Write what waits."""
        self.lists.close()
        self.monitor.close()
