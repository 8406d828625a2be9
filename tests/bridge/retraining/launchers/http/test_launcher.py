import json
import socket
from typing import Any

import pytest

from recwatch.testing.faults import Fault
from recwatch_bridge.retraining.launchers.base import Ended, LaunchError, Order, Running
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher
from recwatch_bridge.retraining.launchers.http.plain import PlainApi

RESULT = {"version": "v2", "metrics": {"ndcg@10": 0.2}, "serving_metrics": None, "samples": 500}
SECRET = "a-secret-word"


def running(launcher: HttpLauncher, order: Order, handle: dict[str, Any] | None) -> dict[str, Any]:
    found = launcher.look(order, handle)
    assert isinstance(found, Running)
    return found.handle


def test_a_run_from_start_to_result(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = launcher.launch(order)
    assert end.started() == 1
    handle = running(launcher, order, handle)
    end.finish(RESULT)
    found = launcher.look(order, handle)
    assert found == Ended(0, log_url=handle.get("log_url"))
    assert json.loads(order.result.read_bytes()) == RESULT
    told = order.log.read_text(encoding="utf-8").splitlines()
    assert "the run was accepted" in told[0]
    assert len(told) == 3
    assert SECRET not in order.log.read_text(encoding="utf-8")


def test_reason_and_model_are_handed_over(end: Any, order: Order) -> None:
    end.launcher().launch(order)
    run = end.server.runs[-1] if isinstance(end.server.runs, list) else end.server.runs[order.run_id]
    given = next(vars(run)[name] for name in ("inputs", "conf", "asked") if hasattr(run, name))
    assert given == {"run_id": order.run_id, "model": "als", "reason": "rating_scale has drifted"}


def test_a_restarted_bridge_finds_it_with_and_without_handle(end: Any, order: Order) -> None:
    handle = end.launcher().launch(order)
    after = end.launcher()
    running(after, order, handle)
    known = running(end.launcher(), order, None)
    end.finish(RESULT)
    assert isinstance(after.look(order, known), Ended)
    assert end.started() == 1


@pytest.mark.parametrize(
    "fault", [Fault(502, done=True), Fault(None, done=True), Fault(200, done=True, delay=1.0)]
)
def test_a_start_whose_outcome_is_unknown_is_looked_up(end: Any, order: Order, fault: Fault) -> None:
    launcher = end.launcher(timeout=0.3)
    if end.name == "airflow3":
        launcher.look(order, None)  # Logs in, so that the fault meets the start.
    end.server.misbehave(fault)
    handle = launcher.launch(order)
    assert handle == {"unknown": True}
    handle = running(launcher, order, handle)
    assert "unknown" not in handle
    end.finish(RESULT)
    assert isinstance(launcher.look(order, handle), Ended)
    assert end.started() == 1


def test_a_start_that_never_was_is_lost_after_a_while(end: Any, order: Order) -> None:
    launcher = end.launcher()
    launcher.look(order, None)
    end.server.misbehave(Fault(502))
    handle = launcher.launch(order)
    assert handle == {"unknown": True}
    assert running(launcher, order, handle) == handle
    end.ticks.now += 59
    assert running(launcher, order, handle) == handle
    end.ticks.now += 1
    found = launcher.look(order, handle)
    assert isinstance(found, Ended)
    assert found.error == end.api.lost
    assert (end.started(), found.exit_code) == (0, None)


def test_a_start_that_is_refused_is_an_error(end: Any, order: Order) -> None:
    launcher = end.launcher()
    launcher.look(order, None)
    end.server.misbehave(Fault(422))
    with pytest.raises(LaunchError, match=r"did not take .* it answered 422") as caught:
        launcher.launch(order)
    # The same request would be refused again.
    assert caught.value.retry_after is None
    assert "the run did not start: " in order.log.read_text(encoding="utf-8")
    assert end.started() == 0


@pytest.mark.parametrize(("asked", "wait"), [(None, 60), (30, 30), (100_000, 900)])
def test_a_start_that_meets_a_limit_is_worth_another_try(
    end: Any, order: Order, asked: int | None, wait: int
) -> None:
    launcher = end.launcher()
    launcher.look(order, None)
    end.server.misbehave(Fault(429, retry_after=asked))
    with pytest.raises(LaunchError, match=r"did not take .* it answered 429") as caught:
        launcher.launch(order)
    assert caught.value.retry_after == wait
    running(launcher, order, launcher.launch(order))
    assert end.started() == 1


def test_an_api_that_is_not_there_is_an_error(order: Order) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    launcher = HttpLauncher(PlainApi(url, token=SECRET), poll=0.0)
    with pytest.raises(LaunchError, match="the API was not reached: no answer") as caught:
        launcher.launch(order)
    assert caught.value.retry_after == 30
    assert "not reached, trying again" in order.log.read_text(encoding="utf-8")
    running(launcher, order, {"accepted": True})
    assert launcher.stop(order, {"accepted": True}) is not None


@pytest.mark.parametrize("fault", [Fault(500), Fault(503), Fault(None), Fault(302), Fault(401), Fault(403)])
def test_outages_change_nothing_about_a_run(end: Any, order: Order, fault: Fault) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.server.misbehave(fault, 3)
    for _ in range(5):
        end.ticks.now += 100
        assert running(launcher, order, handle) == handle
    end.finish(RESULT)
    assert launcher.look(order, handle) == Ended(0, log_url=handle.get("log_url"))


def test_a_limit_is_waited_for(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.server.misbehave(Fault(429, retry_after=30))
    running(launcher, order, handle)
    asked = len(end.server.requests)
    end.ticks.now += 29
    running(launcher, order, handle)
    assert len(end.server.requests) == asked
    end.ticks.now += 1
    running(launcher, order, handle)
    assert len(end.server.requests) > asked


def test_an_impatient_caller_asks_the_api_no_more_often(end: Any, order: Order) -> None:
    launcher = end.launcher(poll=5.0)
    handle = running(launcher, order, launcher.launch(order))
    asked = len(end.server.requests)
    for _ in range(10):
        assert running(launcher, order, handle) == handle
    assert len(end.server.requests) == asked
    end.finish(RESULT)
    end.ticks.now += 5
    assert isinstance(launcher.look(order, handle), Ended)


def test_a_failed_run_says_so(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.fail()
    found = launcher.look(order, handle)
    assert isinstance(found, Ended)
    assert found.exit_code is None
    assert found.error in {
        "the workflow run ended with failure",
        "the DAG run failed",
        "the service says failed: no data",
    }


def test_a_success_without_a_result_is_a_failure(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.finish(None)
    found = launcher.look(order, handle)
    if isinstance(found, Running):  # It may show up a little later.
        end.ticks.now += 60
        found = launcher.look(order, handle)
    assert isinstance(found, Ended)
    assert found.error is not None
    assert not order.result.exists()


def test_stopping(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.server.misbehave(Fault(502))
    assert launcher.stop(order, handle) is None
    found = launcher.look(order, handle)
    assert isinstance(found, Ended)
    assert found.error is not None


def test_what_cannot_be_stopped_is_said(end: Any, order: Order) -> None:
    launcher = end.launcher()
    handle = running(launcher, order, launcher.launch(order))
    end.server.misbehave(Fault(502), 3)
    assert launcher.stop(order, handle) == ("the API could not be asked to stop it: it answered 502")


def test_a_run_that_was_stopped_is_forgotten(end: Any, order: Order) -> None:
    launcher = end.launcher()
    end.server.misbehave(Fault(502), 1)
    running(launcher, order, {"unknown": True})
    launcher.stop(order, {"unknown": True})
    left = (launcher._looked, launcher._missing_since, launcher._log._last)
    assert left == ({}, {}, {})
