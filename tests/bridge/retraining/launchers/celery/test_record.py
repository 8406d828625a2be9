import json

import pytest

from recwatch_bridge.retraining.launchers.celery import record as module
from recwatch_bridge.retraining.launchers.celery.record import Outcome, is_message_of, read_record


def written(status: str, result: object, **more: object) -> bytes:
    return json.dumps({"status": status, "result": result, "traceback": None, **more}).encode()


@pytest.mark.parametrize("record", [None, written("STARTED", {"pid": 1}), written("RETRY", None), b"{}"])
def test_what_has_not_ended(record: bytes | None) -> None:
    assert read_record(record) is None


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (written("SUCCESS", None), "the task returned no mapping: let it return version, metrics and so on"),
        (written("FAILURE", {"exc_type": "Boom", "exc_message": ["a\nb"]}), "the task failed: Boom: a b"),
        (written("FAILURE", {"exc_type": "Boom", "exc_message": []}), "the task failed: Boom"),
        (written("FAILURE", "odd"), "the task failed"),
        (written("REVOKED", {}), "the task was revoked"),
        (b"\x80\x04pickle", "the task's result is not JSON: set result_serializer to json"),
        (b"[" * 100_000, "the task's result is not JSON: set result_serializer to json"),
    ],
)
def test_what_is_of_no_use(record: bytes, error: str) -> None:
    assert read_record(record) == Outcome(error=error)


def test_what_is() -> None:
    found = read_record(written("SUCCESS", {"version": "v2"}))
    assert found == Outcome(result=b'{"version": "v2"}')
    failed = read_record(written("FAILURE", {}, traceback="Traceback ..."))
    assert failed is not None
    assert failed.traceback == "Traceback ..."


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    found = read_record(b"x" * 11)
    assert found == Outcome(error="the task's result is larger than 10 bytes: leave out `pairs`")


def test_messages() -> None:
    message = {"headers": {"id": "als-1", "kwargsrepr": "als-2"}, "body": ""}
    assert is_message_of(json.dumps(message).encode(), "als-1")
    assert is_message_of(json.dumps([message, "celery", "celery"]).encode(), "als-1")
    for raw in (b"als-2", json.dumps(message).encode(), b'["als-2"]', b'{"headers": "als-2"}', b"\xffals-2"):
        assert not is_message_of(raw, "als-2")
