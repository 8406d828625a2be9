"""Everything that recwatch sees of the service: metrics, log lines, a row a request, scores of the lists."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry

from recommender.engine import Engine, InService
from recommender.lists import Listing
from recommender.quality import ListQuality
from recommender.recommend import Recommendation
from recommender.rerank_test import TEST
from recommender.settings import Settings
from recwatch import logs
from recwatch.errors import StoreError
from recwatch.health import DiskSpace, HealthChecks, Memory, RegistryVersion
from recwatch.health.database import Database
from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.scores import Scores
from recwatch.service_log import ServiceLog
from recwatch.serving import RecommenderMetrics, RecommenderRequest
from recwatch.store import open_store

_LOGGER = "recommender.service"
_LEAST_FREE_BYTES = 100 * 2**20
# Two thirds of what the first version reaches over the replay's first minutes, with and without reranking:
# lists are few there, and their users fewer.
QUALITY_BASELINE = {"hit_rate@10": 0.15, "ndcg@10": 0.07}


class Watch:
    """What the handlers tell of their work.

    Args:
        settings: of the service.
        engine: gives what is loaded; called when a score needs title vectors.
        registry: where the metrics are registered.
    """

    def __init__(
        self, settings: Settings, engine: Callable[[], Engine], *, registry: CollectorRegistry
    ) -> None:
        self._engine = engine
        self._model = settings.model
        self._store_url = settings.home.store_url
        self.log = ServiceLog(_LOGGER, file=settings.home.service_log, registry=registry)
        self._logger = logging.getLogger(_LOGGER)
        self.recorder = Recorder(
            [
                Scores(self._title_vectors, registry=registry),
                self.log,
                RequestLog(self._store_url, registry=registry),
            ],
            registry=registry,
        )
        self.metrics = RecommenderMetrics(settings.model, recorder=self.recorder, registry=registry)
        self.quality = ListQuality(settings, registry=registry, baseline=QUALITY_BASELINE)
        for arm in TEST.shares if settings.rerank_test else ():
            self.metrics.arm(arm)  # exported at 0 from the start
        self.health = HealthChecks(registry=registry)
        self.health.add("model", RegistryVersion(settings.home.artifacts(settings.model)), critical=False)
        self.health.add("store", Database(self._store_url), critical=False)
        self.health.add(
            "disk", DiskSpace(settings.home.root, min_bytes=_LEAST_FREE_BYTES, min_ratio=0), critical=False
        )
        self.health.add("memory", Memory(), critical=False)

    def shown(
        self,
        listing: Listing,
        user_id: int,
        items: Sequence[int],
        answer: Recommendation,
        version: str | None,
    ) -> None:
        """A list was shown."""
        self.metrics.arm(listing.variant).impressions(len(items))
        self.quality.shown(listing, user_id, items, version=version, is_fallback=answer.fallback is not None)

    def taken(self, user_id: int, item_id: int, *, clicked: bool) -> None:
        """A user clicked an item, or rated it."""
        variant = self.quality.taken(user_id, item_id)
        if clicked:
            self.metrics.arm(variant).clicks(1)

    def answered(self, request: RecommenderRequest, items: Sequence[int], answer: Recommendation) -> None:
        """Tell what a request returns and how it was found."""
        if answer.fallback is not None:
            request.fallback(answer.fallback)
        if answer.reranked is not None:
            request.rerank(collaborative=answer.reranked.collaborative, content=answer.reranked.content)
        # A fallback's scores are no output of the model: they would look like a shift of it.
        scores = None if answer.fallback is not None else answer.scores
        request.returned(items, scores=scores, recent=answer.recent)

    def started(self, in_service: InService) -> None:
        """The service is ready, with this version or none. A store that cannot be opened yet is said."""
        try:
            open_store(self._store_url).close()
        except StoreError as error:
            self.failed("Store not opened", error=error)
        self.health.start()
        self._show(in_service)
        self.log.started(self._model_id(in_service))

    def stopped(self) -> None:
        """The service ends: write what waits."""
        self.recorder.flush()  # so that the log's last line is this one
        self._logger.info(logs.event("Service stopped"))
        self.recorder.close()
        self.quality.close()
        self.health.close()

    def reloaded(self, old: InService, new: InService) -> None:
        """Another version is in service. Waits until the log has the requests that the old one answered."""
        self.recorder.flush()
        self.metrics.reload("success")
        self._show(new)
        self.log.reloaded(self._model_id(old), self._model_id(new))

    def not_loaded(self, error: Exception) -> None:
        """The registry's version could not be loaded; what was in service stays."""
        self.metrics.reload("error")
        self.failed("Model not loaded", error=error)

    def failed(self, name: str, **fields: object) -> None:
        """Something else failed that the service survives."""
        self._logger.error(logs.event(name, **fields))

    def _show(self, in_service: InService) -> None:
        if in_service.version is not None and in_service.trained_at is not None:
            self.metrics.model_loaded(in_service.version, in_service.trained_at)

    def _model_id(self, in_service: InService) -> str:
        return f"{self._model}_{in_service.version}"

    def _title_vectors(self, item_ids: Sequence[int]) -> npt.NDArray[np.float32]:
        titles = self._engine().in_service.shelf.titles
        if titles is None:
            return np.zeros((len(item_ids), 1), dtype=np.float32)
        return titles.of(np.asarray(item_ids, dtype=np.int64))
