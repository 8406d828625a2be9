"""Watch a recommender, in any framework or none.

metrics = RecommenderMetrics("als")

def recommend(user):
    with metrics.request(user.id) as request:
        items = model.recommend(user)
        if not items:
            items = popular()
            request.fallback("popularity")
        request.returned(items)
        return items

The block may hold `await`: it is a plain context manager, and a task that is cancelled inside leaves it so.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from recwatch import multiprocess
from recwatch.exposition import forget
from recwatch.metrics import ServingMetrics
from recwatch.request_id import current
from recwatch.serving_request import Arm, Outcome, RecommenderRequest

if TYPE_CHECKING:
    from recwatch.recorder import Recorder

__all__ = ["Outcome", "RecommenderMetrics", "RecommenderRequest"]


class RecommenderMetrics:
    """The metrics of one model, or of one arm of an A/B test.

    Args:
        model: the model's name, such as `als`; its version goes to `model_loaded`.
        variant: the arm.
        fallbacks: the fallback methods that can occur, exported at 0 from the start.
        recorder: takes each request when it is over, for logs, the store and scores.
        registry: where the metrics are kept; objects on one registry share them.

    Raises:
        TypeError: an argument is of the wrong kind.
    """

    def __init__(
        self,
        model: str,
        *,
        variant: str = "default",
        fallbacks: Iterable[str] = ("popularity",),
        recorder: "Recorder | None" = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._fallbacks = _names(fallbacks)
        _check(model, variant, recorder, registry)
        self.model = model
        self.variant = variant
        self.recorder = recorder
        self._metrics = metrics = ServingMetrics.of(registry)
        # There prometheus_client keeps no exemplars, and another process may read the metrics at any time.
        several_processes = multiprocess.folder() is not None
        self._arm = Arm(
            model,
            variant,
            metrics=metrics,
            fallbacks=self._fallbacks,
            recorder=recorder,
            one_by_one=several_processes,
        )
        self._wants_ids = recorder is not None or not several_processes
        self._arms = {variant: self}
        self._impressions = metrics.impressions.labels(model, variant)
        self._clicks = metrics.clicks.labels(model, variant)
        self._reloads = {
            "success": metrics.reloads.labels(model, "success"),
            "error": metrics.reloads.labels(model, "error"),
        }
        if recorder is not None and "scores" in {consumer.name for consumer in recorder.consumers}:
            metrics.score.labels(model, variant)
            for histogram in (metrics.content_score, metrics.semantic_alignment, metrics.diversity):
                histogram.labels(model, "false")
                histogram.labels(model, "true")

    @property
    def version(self) -> str | None:
        """The version in service: what `model_loaded` last said."""
        return self._arm.version

    def arm(self, variant: str) -> "RecommenderMetrics":
        """The metrics of another arm of the same model, with the same recorder and registry; made once.

        Until `model_loaded` is called on it, it serves the version of the arm that all others came from.

        Args:
            variant: a name of your own choice, never a user's: each is a series.
        """
        arms = self._arms
        if variant not in arms:
            made = RecommenderMetrics(
                self.model,
                variant=variant,
                fallbacks=self._fallbacks,
                recorder=self.recorder,
                registry=self._metrics.registry,
            )
            made._arms = arms
            made._arm.version = made._arm.version or next(iter(arms.values())).version
            arms.setdefault(variant, made)
        return arms[variant]

    def request(
        self,
        user_id: int | str | None = None,
        *,
        topk: int | None = None,
        exclude_seen: bool | None = None,
        filters: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> RecommenderRequest:
        """A context manager for one request; say inside what happened.

        Leaving the block counts the request and its time. An exception makes the outcome `error`, a
        cancellation or a client that went away `cancelled`; an exception whose `status_code` is below 500,
        such as FastAPI's `HTTPException(404)`, is an answer and no failure: `success`. All go on their way.

        Args:
            user_id: for the log and the store; never a label.
            topk: how many items were asked for.
            exclude_seen: whether items that the user knows were to be left out.
            filters: what else the items had to fulfil; kept as given, so do not change it afterwards.
            request_id: names the request in logs and as an exemplar of its time; by default what
                `recwatch.request_id.current` says.
        """
        if request_id is None and self._wants_ids:
            request_id = current()
        return RecommenderRequest(self._arm, user_id, topk, exclude_seen, filters, request_id)

    def impressions(self, count: int = 1) -> None:
        """Recommended items were shown; never raises."""
        self._add(self._impressions, count)

    def clicks(self, count: int = 1) -> None:
        """Recommended items were taken; never raises."""
        self._add(self._clicks, count)

    def model_loaded(self, version: str, trained_at: datetime) -> None:
        """A version is in service from now on; the series of the one before goes. Never raises.

        A `trained_at` that is naive, or no datetime, is a counted drop: then no time of training is shown.

        Args:
            version: such as `v3_20261121_031500`.
            trained_at: when it was trained, aware.
        """
        try:
            self._load(version)
            self._tell_age(trained_at)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._arm.drop(fault)

    def _load(self, version: str) -> None:
        loaded = self._metrics.loaded
        first, *others = self._arms.values()
        without_own = [arm for arm in others if (self.model, arm.variant) not in loaded]
        for arm in [self, *(without_own if self is first else ())]:
            arm._arm.version = version  # noqa: SLF001 - another one of this class
        before = loaded.get((self.model, self.variant))
        loaded[self.model, self.variant] = version
        in_service = {version for (model, _), version in loaded.items() if model == self.model}
        if before is not None and before not in in_service:
            forget(self._metrics.model_info, self.model, before)
        self._metrics.model_info.labels(self.model, version).set(1)

    def _tell_age(self, trained_at: object) -> None:
        trained = self._metrics.model_trained
        if not isinstance(trained_at, datetime) or trained_at.utcoffset() is None:
            # The version before may have been trained at another time.
            forget(trained, self.model)
            raise TypeError(
                f"trained_at must be an aware datetime, such as datetime.now(UTC); got {trained_at!r:.40}"
            )
        trained.labels(self.model).set(trained_at.timestamp())

    def reload(self, outcome: Literal["success", "error"]) -> None:
        """A load of a model ended well or not; never raises."""
        try:
            self._reloads[outcome].inc()
            self._metrics.last_reload.labels(self.model).set(outcome == "success")
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._arm.drop(fault)

    def _add(self, counter: Counter, count: int) -> None:
        try:
            counter.inc(count)
        except Exception as fault:  # noqa: BLE001 - watching must never break the service
            self._arm.drop(fault)


def _check(model: object, variant: object, recorder: object, registry: object) -> None:
    if not isinstance(model, str) or not isinstance(variant, str):
        raise TypeError(f"model and variant must be texts; got {model!r:.40}, {variant!r:.40}")
    if recorder is not None and not (hasattr(recorder, "put") and hasattr(recorder, "consumers")):
        given = type(recorder).__name__
        raise TypeError(f"recorder must be a Recorder, such as Recorder([RequestLog(...)]); got {given}")
    if not isinstance(registry, CollectorRegistry):
        raise TypeError(f"registry must be a CollectorRegistry; got {type(registry).__name__}")


def _names(fallbacks: object) -> tuple[str, ...]:
    if isinstance(fallbacks, Iterable) and not isinstance(fallbacks, str):
        names = tuple(fallbacks)
        if all(isinstance(name, str) for name in names):
            return names
    raise TypeError(f'fallbacks must be a list of texts, such as ["popularity"]; got {fallbacks!r:.40}')
