"""The log lines of a recommender, written from its records, off the request's path.

log = ServiceLog(file="logs/service/recommender.log")
metrics = RecommenderMetrics("als", recorder=Recorder([log]))
log.started("als_v2_20250116_141500")
"""

import logging
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch import logs
from recwatch.logs import Event, Rotation, event
from recwatch.metrics import DroppedWrites
from recwatch.redaction import mask_passwords
from recwatch.user_ids import Mode, UserIds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recwatch.serving import RecommenderRequest

__all__ = ["ServiceLog"]

# Others choose what a request says; none of it may fill the log.
_LONGEST = 256
# The loggers whose file belongs to a log that is still in use.
_taken: "WeakValueDictionary[str, ServiceLog]" = WeakValueDictionary()
_taking = Lock()


class ServiceLog:
    """Writes what happened to a logger: a consumer of `recwatch.recorder.Recorder`, and two methods more.

    | line | level | when |
    | --- | --- | --- |
    | `Request` | INFO | a request was answered |
    | `Cold-start` | WARNING | before it, where a fallback answered |
    | `Recommendation failed` | ERROR | a request failed |
    | `Request cancelled` | INFO | the caller went away |
    | `Service started`, `Model reloaded` | INFO | `started`, `reloaded` |

    A line has the time at which its request began. What a request did not say, such as `topk`, is left out.
    A user id, `topk` or request id of more than 256 characters is cut.

    Args:
        name: the logger; its handlers, and those above it, write the lines. Where another log that is open
            has given this logger its file, this log takes the logger `<name>_2`, and so on: each log writes
            to its own file.
        file: append to this file; its folder is made. None leaves it to the handlers that are there.
        json: write JSON to it instead of text.
        rotation: of the file; None leaves it to logrotate and the like.
        user_ids: `plain`, `hashed` with the key in `key_file`, or `omitted`.
        key_file: at least 32 bytes; see `recwatch.user_ids`.
        registry: where lines are counted that the file does not take.

    Raises:
        OSError: when the file cannot be opened.
        ConfigError: when the key cannot be used, or JSON is asked for without structlog.
    """

    def __init__(
        self,
        name: str = "recwatch.service",
        *,
        file: Path | str | None = None,
        json: bool = False,
        rotation: Rotation | None = Rotation(),  # noqa: B008 - frozen
        user_ids: Mode = "plain",
        key_file: Path | str | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.name = "service_log"
        self._user_ids = UserIds(user_ids, key_file)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect(self.name, "error")
        if file is None:
            self._logger = logging.getLogger(name)
            if self._logger.level == logging.NOTSET:
                self._logger.setLevel(logging.INFO)
            return
        with _taking:
            free = next(each for each in _numbered(name) if each not in _taken)
            _taken[free] = self
        try:
            self._logger = logs.configure(
                free, file=file, console=False, json=json, rotation=rotation, registry=registry
            )
        except BaseException:
            _taken.pop(free, None)
            raise

    def started(self, model_id: str) -> None:
        """The service is ready, with this model: `Service started | model_id=als_v2_20250116_141500`."""
        self._logger.info(event("Service started", model_id=model_id))

    def reloaded(self, old: str | None, new: str | None) -> None:
        """Another version is in service: `Model reloaded | old=als_v2, new=als_v3`."""
        self._logger.info(event("Model reloaded", old=old, new=new))

    def take(self, requests: "Sequence[RecommenderRequest]") -> None:
        """Write the lines of finished requests."""
        for request in requests:
            try:
                for level, line in _lines(request, self._user_ids(request.user_id)):
                    if self._logger.isEnabledFor(level):
                        self._write(level, line, request)
            except Exception as error:  # noqa: BLE001 - such as a user id without a text: the others are written
                self._dropped.drop(self.name, "error", error)

    def close(self) -> None:
        """Close the file, where this log opened one; a second call does nothing."""
        name = self._logger.name
        if _taken.get(name) is self:
            logs.close(name)
            _taken.pop(name, None)

    def _write(self, level: int, line: Event, request: "RecommenderRequest") -> None:
        extra = None if request.request_id is None else {"request_id": _short(request.request_id)}
        record = self._logger.makeRecord(self._logger.name, level, __file__, 0, line, (), None, "take", extra)
        record.created = request.timestamp
        record.msecs = request.timestamp % 1 * 1000
        self._logger.handle(record)


def _lines(request: "RecommenderRequest", user_id: int | str | None) -> list[tuple[int, Event]]:
    """The lines of a request, each with its level."""
    user = {} if user_id is None else {"user_id": _short(user_id)}
    asked = user if request.topk is None else {**user, "topk": _short(request.topk)}
    latency = {"latency": f"{request.seconds:.3f}s"}
    more = {
        "latency_seconds": round(request.seconds, 6),
        "model": request.model,
        "version": request.version,
        "variant": request.variant,
    }
    if request.outcome == "error":
        error = {"error": request.error}
        line = _line("Recommendation failed", {**user, **error}, {**asked, **error, **more})
        return [(logging.ERROR, line)]
    if request.outcome == "cancelled":
        return [(logging.INFO, _line("Request cancelled", {**asked, **latency}, {**asked, **more}))]
    fallback = {"fallback": request.fallback_method is not None}
    more |= {
        "fallback_method": request.fallback_method,
        "items": None if request.items is None else len(request.items),
        "reranked": request.was_reranked,
    }
    lines = [
        (logging.WARNING, _line("Cold-start", {**user, **fallback}, {**asked, **fallback, **more})),
        (logging.INFO, _line("Request", {**asked, **latency, **fallback}, {**asked, **fallback, **more})),
    ]
    return lines if request.fallback_method is not None else lines[1:]


def _line(name: str, shown: dict[str, Any], fields: dict[str, Any]) -> Event:
    """A line that shows some of its fields as text and has all of them as JSON."""
    return Event(str(event(name, **shown)), name, fields)


def _short(value: object) -> object:
    """A value, or as much of its text as a line takes. Without its @, a password is not known: mask first."""
    text = str(value)
    return value if len(text) <= _LONGEST else f"{mask_passwords(text)[:_LONGEST]}…"


def _numbered(name: str) -> "Iterator[str]":
    yield name
    for number in count(2):
        yield f"{name}_{number}"
