"""Cookies: signed, bound to their token, over after a while or a logout."""

from typing import Any

import pytest

from recwatch_bridge.secret import Doorkeeper, Token
from recwatch_bridge.storage.store import Store
from recwatch_bridge.web import sessions
from recwatch_bridge.web.sessions import LIFETIME, Session, Sessions

ANA = Token("a-secret", frozenset({"manage"}), "ana")
BEN = Token("b-secret", frozenset({"read"}), "ben")


@pytest.fixture
def logins(clock: Any) -> Sessions:
    return Sessions(Doorkeeper([ANA, BEN]), clock)


def test_a_cookie_stands_for_its_token(logins: Sessions) -> None:
    session = logins.read(logins.open(ANA))
    assert session is not None
    assert session.token == ANA
    assert "a-secret" not in logins.open(ANA)


@pytest.mark.parametrize(("age", "valid"), [(0, True), (LIFETIME, True), (LIFETIME + 1, False), (-60, True)])
def test_a_session_ends_by_itself(logins: Sessions, clock: Any, age: int, valid: bool) -> None:  # noqa: FBT001
    cookie = logins.open(ANA)
    clock.now += age
    assert (logins.read(cookie) is not None) == valid


def test_a_clock_that_steps_far_back_ends_it_too(logins: Sessions, clock: Any) -> None:
    cookie = logins.open(ANA)
    clock.now -= 3600
    assert logins.read(cookie) is None


def test_a_token_that_is_removed_ends_its_sessions(logins: Sessions, clock: Any) -> None:
    cookie = logins.open(ANA)
    assert Sessions(Doorkeeper([BEN]), clock).read(cookie) is None
    assert Sessions(Doorkeeper([Token("other", ANA.scopes, "ana")]), clock).read(cookie) is None


def test_scopes_are_those_of_now(logins: Sessions, clock: Any) -> None:
    cookie = logins.open(ANA)
    session = Sessions(Doorkeeper([Token("a-secret", frozenset({"read"}))]), clock).read(cookie)
    assert session is not None
    assert session.token.scopes == {"read"}


def test_what_is_forged_is_no_session(logins: Sessions) -> None:
    cookie = logins.open(BEN)
    _, _, rest = cookie.partition(".")
    forged = [
        f"{ANA.key_id}.{rest}",  # another's name over one's own signature
        cookie[:-1] + ("A" if cookie[-1] != "A" else "B"),
        cookie + "x" * 300,
        cookie.replace(".", ".é", 1),
        f"{BEN.key_id}.",
        "....",
        "",
        None,
    ]
    assert [logins.read(text) for text in forged] == [None] * len(forged)


def test_csrf_belongs_to_one_session(logins: Sessions) -> None:
    one, other = (logins.read(logins.open(ANA)) for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.allows(one.csrf)
    for wrong in (other.csrf, "", None, "é", "\ud800"):
        assert not one.allows(wrong)


def test_logouts_are_remembered_as_long_as_they_matter(store: Store, clock: Any) -> None:
    gone, stays = Session(ANA, "1" * 32), Session(ANA, "2" * 32)
    for _ in range(2):
        store.commit(lambda connection: sessions.end(connection, gone, clock()))
    with store.read() as connection:
        assert sessions.is_over(connection, gone)
        assert not sessions.is_over(connection, stays)
    clock.now += LIFETIME + 100
    store.commit(lambda connection: sessions.end(connection, stays, clock()))
    with store.read() as connection:
        assert not sessions.is_over(connection, gone), "its signature is too old by now"
