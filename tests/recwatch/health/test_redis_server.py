"""A real redis-server, with a password."""

import socket

import pytest

from recwatch.errors import ConfigError, HealthError
from recwatch.health import HealthChecks
from recwatch.health.redis_server import RedisServer
from recwatch.testing import free_port, wait_until


def test_it_measures_the_time_of_a_ping(redis_port: int) -> None:
    measured = RedisServer(f"redis://:right@127.0.0.1:{redis_port}/0")()
    assert measured.value is not None
    assert 0 < measured.value < 60


def test_a_wrong_password_fails_and_is_not_shown(redis_port: int) -> None:
    with pytest.raises(HealthError, match="AuthenticationError") as caught:
        RedisServer(f"redis://:s3cret@127.0.0.1:{redis_port}/0")()
    assert "s3cret" not in str(caught.value)
    with pytest.raises(HealthError, match="AuthenticationError"):
        RedisServer(f"redis://127.0.0.1:{redis_port}/0")()


def test_nobody_there_fails() -> None:
    with pytest.raises(HealthError, match=r"ConnectionError: .*Connection refused"):
        RedisServer(f"redis://:secret@127.0.0.1:{free_port()}/0")()


def test_one_that_hangs_times_out(health: HealthChecks) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(HealthError, match="TimeoutError"):
            RedisServer(url, socket_timeout=0.05)()
        health.add("redis", RedisServer(url, socket_timeout=1), timeout=0.05)
        health.start()
        wait_until(lambda: health.results()["redis"].status == "timeout")


@pytest.mark.parametrize("url", ["", "host", "http://:secret@host", "redis://:secret@host:port"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="write one such as redis://host:6379/0") as caught:
        RedisServer(url)
    assert "secret" not in str(caught.value)
