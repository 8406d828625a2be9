"""Speaks to Redis and, through it, to Celery's workers: every call is bounded and tried once."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import KombuError, OperationalError
from kombu.messaging import Producer
from kombu.pidbox import Mailbox
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from recwatch_bridge.retraining.launchers.celery.record import is_message_of
from recwatch_bridge.retraining.result import MAX_BYTES

ERRORS = (RedisError, KombuError, OperationalError, OSError)
"""What any call may raise while Redis cannot be used."""

_CHUNK = 1_000
_RECORD = "celery-task-meta-"
_UNACKED = "unacked"
_CONTROL = "celery"
_mailbox: Any = Mailbox


class NotSentError(Exception):
    """A task was not sent, for certain: there was no connection.

    Attributes:
        refused: whether the password was; the next connection would fare the same.
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True)
class Sighting:
    """Where a task was found.

    Attributes:
        place: in words; None where it was found nowhere.
        silent: how many workers listen and did not answer: the task may be with one of them.
    """

    place: str | None
    silent: int = 0


class Broker:
    """A Redis that is Celery's broker, and one that keeps results.

    Args:
        url: of the broker.
        results_url: of the results.
        task: the task's name.
        queue: the queue that it is put into.
        timeout: seconds for a connection and an answer of Redis.
        patience: seconds for the answers of workers.
    """

    def __init__(
        self,
        url: str,
        results_url: str,
        *,
        task: str,
        queue: str,
        timeout: float = 5.0,
        patience: float = 2.0,
    ) -> None:
        self._task = task
        self._queue = queue
        self._timeout = timeout
        self._patience = patience
        self._app = Celery("recwatch_bridge", broker=url, set_as_current=False, autofinalize=False)
        self._broker = _client(url, timeout)
        self._results = _client(results_url, timeout)

    def send(self, run_id: str, arguments: dict[str, str]) -> None:
        """Put the task into the queue, its id the run's.

        Raises:
            NotSentError: when it certainly was not.
            RedisError, KombuError, OSError: when nobody knows.
        """
        with self._connection() as connection:
            self._app.send_task(
                self._task,
                kwargs=arguments,
                task_id=run_id,
                queue=self._queue,
                connection=connection,
                retry=False,
                add_to_parent=False,
            )

    def record(self, run_id: str) -> bytes | None:
        """Return what was written about a task, as far as a result may reach."""
        record: Any = self._results.getrange(_RECORD + run_id, 0, MAX_BYTES + 1)
        return bytes(record) or None

    def search(self, run_id: str) -> Sighting:
        """Look for a task along its way: in the queue, taken and not acknowledged, with a worker."""
        if self._queued(run_id) is not None:
            return Sighting("in the queue")
        if any(is_message_of(raw, run_id) for _, raw in self._broker.hscan_iter(_UNACKED, count=100)):
            return Sighting("taken by a worker")
        answers, silent = self._ask("query_task", {"ids": [run_id]})
        for worker, answer in answers.items():
            if isinstance(answer, dict) and run_id in answer:
                return Sighting(f"with the worker {worker}")
        return Sighting(None, silent)

    def withdraw(self, run_id: str) -> bool:
        """Take a task out of the queue; returns whether it was there."""
        raw = self._queued(run_id)
        return raw is not None and bool(self._broker.lrem(self._queue, 1, raw))

    def revoke(self, run_id: str, signal: str) -> int:
        """Tell every worker not to begin the task, or to end it by a signal; returns how many are silent."""
        _, silent = self._ask("revoke", {"task_id": run_id, "terminate": True, "signal": signal})
        return silent

    def listeners(self) -> int:
        """Count the workers that listen, by a message to none of them.

        A worker that is busy in its only thread (`--pool=solo`) listens and does not answer.
        """
        database = self._broker.connection_pool.connection_kwargs.get("db") or 0
        count: Any = self._broker.publish(f"/{database}.{_CONTROL}.pidbox", _to_nobody())
        return int(count)

    def _queued(self, run_id: str) -> bytes | None:
        """Read from the end that tasks are put in at: what is taken meanwhile leaves at the other end."""
        start = 0
        while chunk := self._broker.lrange(self._queue, start, start + _CHUNK - 1):
            for raw in chunk:
                if is_message_of(raw, run_id):
                    return bytes(raw)
            start += _CHUNK
        return None

    def _ask(self, command: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Ask every worker; returns the answers by worker, and how many more listen than answered."""
        with self._connection() as connection:
            listeners = self.listeners()
            if not listeners:
                return {}, 0
            mailbox: Any = _mailbox(
                _CONTROL,
                type="fanout",
                connection=connection,
                accept=["json"],
                producer_pool=_Once(connection),
                reply_queue_expires=10.0,
            )
            answers = mailbox.multi_call(command, arguments, timeout=self._patience, limit=listeners)
        told = {name: answer for entry in answers or () for name, answer in entry.items()}
        return told, max(0, listeners - len(told))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of its own: the application's pool would try again for a long time."""
        options = {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout}
        connection = self._app.connection_for_write(transport_options=options)
        with connection:
            try:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=self._timeout)
                connection.default_channel  # noqa: B018 - opens it
            except ERRORS as error:
                refused = isinstance(error, AuthenticationError) or isinstance(
                    error.__cause__, AuthenticationError
                )
                raise NotSentError(str(error), refused=refused) from error
            yield connection


class _Once:
    """Stands for a pool of producers; they try once, where Celery's own would try for ever."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def acquire(self) -> Iterator[Producer]:
        make: Any = _OnceProducer
        yield make(self._connection.default_channel, auto_declare=False)


class _OnceProducer(Producer):
    def publish(self, body: Any, **options: Any) -> Any:  # type: ignore[override] # kombu passes names
        publish: Any = super().publish
        return publish(body, **(options | {"retry": False}))


def _client(url: str, timeout: float) -> Any:
    """A client that sends every command once; its types leave open whether it answers text or bytes."""
    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )


def _to_nobody() -> str:
    """A message to workers, as kombu puts it on the wire, that none of them acts on."""
    body: dict[str, Any] = {
        "method": "ping",
        "arguments": {},
        "destination": ["nobody"],
        "pattern": None,
        "matcher": None,
    }
    exchange = f"{_CONTROL}.pidbox"
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"clock": 0, "expires": 0},
            "properties": {
                "body_encoding": "base64",
                "delivery_info": {"exchange": exchange, "routing_key": ""},
                "delivery_mode": 1,
                "delivery_tag": str(uuid.uuid4()),
                "priority": 0,
            },
        }
    )
