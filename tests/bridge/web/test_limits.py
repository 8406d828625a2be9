"""Throttles: so many within a while, and no more memory than they may have."""

import pytest
from starlette.requests import Request

from recwatch_bridge.web import limits
from recwatch_bridge.web.limits import Throttle, client_of


def test_so_many_within_a_minute() -> None:
    now = [0.0]
    throttle = Throttle(3, 60.0, clock=lambda: now[0])
    for second in (0, 10, 20):
        now[0] = second
        assert throttle.hit("a") == 0
    now[0] = 30
    assert throttle.hit("a") == 30
    assert throttle.hit("b") == 0, "others have their own"
    now[0] = 59.5
    assert throttle.hit("a") == 1
    now[0] = 60
    assert throttle.hit("a") == 0
    assert throttle.hit("a") == 10


def test_the_quietest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_KEYS", 2)
    throttle = Throttle(1, clock=lambda: 0.0)
    assert [throttle.hit(key) for key in ("a", "b", "b", "c", "b")] == [0, 0, 60, 0, 60]
    assert throttle.hit("a") == 0


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_an_address_or_a_network(host: str, named: str) -> None:
    assert client_of(Request({"type": "http", "client": (host, 1234)})) == named
    assert client_of(Request({"type": "http", "client": None})) == ""
