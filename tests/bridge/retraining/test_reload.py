"""Telling a service to load a version."""

from typing import Any

import pytest

from recwatch.testing import free_port
from recwatch_bridge.retraining.reload import Reloader, Reloading, Told


@pytest.mark.parametrize(
    ("code", "expected"), [(200, None), (204, None), (302, "it answered 302"), (503, "it answered 503")]
)
def test_one_call(service: Any, code: int, expected: str | None) -> None:
    service.answers = [code]
    assert Reloader(service.url, "a-secret").call() == expected
    assert service.asked == ["Bearer a-secret"]


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}/secret"
    assert Reloader(url, None).call() == "no answer (ConnectionError)"


def test_without_a_service_it_is_done() -> None:
    assert Reloading(None).step("v1") == Told()


def test_waits_double_until_the_attempts_are_used_up(service: Any, clock: Any) -> None:
    service.answers = [500, 500, 500, 500, 503]
    reloading = Reloading(Reloader(service.url, None), monotonic=clock)
    for wait in (1.0, 2.0, 4.0, 8.0):
        assert reloading.step("v1") == wait
        clock.now += wait / 2
        assert reloading.step("v1") == wait / 2
        clock.now += wait / 2
    assert reloading.step("v1") == Told("it answered 503")
    assert len(service.asked) == 5
    assert reloading.step("v1") == Told()


def test_each_version_has_its_own_attempts(service: Any, clock: Any) -> None:
    service.answers = [500, 500, 500]
    reloading = Reloading(Reloader(service.url, None), attempts=2, monotonic=clock)
    assert reloading.step("v1") == 1.0
    assert reloading.step("v2") == 1.0
    clock.now += 1
    assert reloading.step("v1") == Told("it answered 500")
    assert reloading.step("v2") == Told()
