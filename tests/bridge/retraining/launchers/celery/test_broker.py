"""A real Redis, without a worker."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from recwatch.testing import free_port
from recwatch_bridge.retraining.launchers.base import Ended, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.celery.broker import Broker, NotSentError
from recwatch_bridge.retraining.launchers.celery.launcher import CeleryLauncher

Launchers = Callable[[], CeleryLauncher]


def test_a_task_that_waits_is_found_and_taken_out(redis: Any, launcher: Launchers, order: Order) -> None:
    launch = launcher()
    handle = launch.launch(order)
    [raw] = redis.client.lrange("celery", 0, -1)
    message = json.loads(raw)
    assert message["headers"]["id"] == order.run_id
    assert message["headers"]["task"] == "shop.retrain"
    assert launch.look(order, handle) == Running(handle)
    assert "the task is in the queue" in order.log.read_text(encoding="utf-8")
    assert launch.stop(order, handle) is None
    assert redis.client.llen("celery") == 0


def test_found_among_many_and_by_its_whole_id(redis: Any, order: Order) -> None:
    broker = Broker(redis.url, redis.url, task="shop.retrain", queue="celery")
    broker.send(order.run_id, {})
    [raw] = redis.client.lrange("celery", 0, -1)
    other = raw.replace(order.run_id.encode(), f"{order.run_id}-2".encode())
    redis.client.rpush("celery", *[other] * 1_500)
    assert broker.search(order.run_id).place == "in the queue"
    assert broker.withdraw(order.run_id)
    assert broker.search(order.run_id).place is None
    assert not broker.withdraw(order.run_id)


def test_a_task_that_is_taken_and_not_acknowledged_is_found(redis: Any, order: Order) -> None:
    broker = Broker(redis.url, redis.url, task="shop.retrain", queue="celery")
    broker.send(order.run_id, {})
    raw = redis.client.lpop("celery")
    redis.client.hset("unacked", "tag", json.dumps([json.loads(raw), "celery", "celery"]))
    assert broker.search(order.run_id).place == "taken by a worker"


def test_results_may_be_kept_elsewhere(redis: Any, order: Order) -> None:
    elsewhere = redis.url.replace("/1", "/2")
    broker = Broker(redis.url, elsewhere, task="shop.retrain", queue="celery")
    redis.client.set(f"celery-task-meta-{order.run_id}", b"{}")
    assert broker.record(order.run_id) is None


def test_a_broker_that_is_not_there_is_an_error(order: Order) -> None:
    url = f"redis://:a-secret-word@127.0.0.1:{free_port()}/0"
    broker = Broker(url, url, task="shop.retrain", queue="celery", timeout=0.5)
    with pytest.raises(NotSentError):
        broker.send(order.run_id, {})
    launch = CeleryLauncher(broker)
    with pytest.raises(LaunchError, match="the broker was not reached") as caught:
        launch.launch(order)
    assert caught.value.retry_after == 30
    assert "the task was not sent: " in order.log.read_text(encoding="utf-8")
    assert "secret" not in str(caught.value)
    assert launch.look(order, {"sent": True}) == Running({"sent": True})
    assert "could not be asked" in (launch.stop(order, {"sent": True}) or "")


def test_a_wrong_password_is_an_error_that_does_not_repeat_it(redis: Any, order: Order) -> None:
    url = redis.url.replace("a-secret-word", "wrong-word")
    launch = CeleryLauncher(Broker(url, url, task="shop.retrain", queue="celery"), secrets=("wrong-word",))
    with pytest.raises(LaunchError, match="the broker was not reached") as caught:
        launch.launch(order)
    # The same password would be refused again.
    assert caught.value.retry_after is None
    assert "wrong-word" not in str(caught.value)


def test_an_outage_changes_nothing(redis: Any, launcher: Launchers, order: Order) -> None:
    launch = launcher()
    handle = launch.launch(order)
    redis.stop()
    assert launch.look(order, handle) == Running(handle)
    assert "cannot be asked, trying again" in order.log.read_text(encoding="utf-8")
    redis.start()
    assert launch.look(order, handle) == Running(handle)
    assert redis.client.llen("celery") == 1


class Cut:
    """Passes bytes on to a Redis until those of a push; it takes that along or not, and drops the line."""

    def __init__(self, port: int, *, deliver: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._target = port
        self._deliver = deliver
        self._closing = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._closing = True
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            while request := client.recv(1_000_000):
                if b"LPUSH" in request:
                    if self._deliver:
                        server.sendall(request)
                        server.recv(1_000_000)
                    return
                server.sendall(request)
                client.sendall(server.recv(1_000_000))


@pytest.mark.parametrize("deliver", [True, False])
def test_a_line_that_breaks_while_sending_is_looked_up(
    redis: Any, launcher: Launchers, order: Order, ticks: Any, *, deliver: bool
) -> None:
    cut = Cut(redis.port, deliver=deliver)
    url = redis.url.replace(str(redis.port), str(cut.port))
    handle = CeleryLauncher(Broker(url, url, task="shop.retrain", queue="celery")).launch(order)
    cut.close()
    assert handle == {"unknown": True}
    assert redis.client.llen("celery") == int(deliver)
    launch = launcher()
    assert launch.look(order, handle) == Running(handle)
    ticks.now += 60
    found = launch.look(order, handle)
    assert isinstance(found, Running if deliver else Ended)
    assert redis.client.llen("celery") == int(deliver)
