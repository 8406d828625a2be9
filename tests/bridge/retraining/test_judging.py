"""The gate over a real trainer's candidate, and a person's approval."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recwatch.registry import Manifest
from recwatch_bridge.retraining import approvals, patience
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.worker import IDLE

GOOD_RESULT = {"metrics": {"ndcg@10": 0.20}, "serving_metrics": {"ndcg@10": 0.19}, "samples": 500}


def test_refused_candidate_changes_nothing(shop: Any) -> None:
    serving = shop.put_into_service()
    shop.workplace.plan(
        result={"metrics": {"ndcg@10": 0.10}, "serving_metrics": {"ndcg@10": 0.20}, "samples": 500}
    )
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.gate is not None
    assert run.gate["summary"] == "ndcg@10 is 0.500 of the version in service, but must be at least 0.95"
    assert shop.plan.registry.current() == serving
    assert shop.subjects("email")[-1] == f"[WARNING] Candidate refused: als {run.version}"
    assert shop.value("bridge_retrains_total", trigger="alert", status="refused") == 1
    assert shop.value("bridge_retrain_in_progress") == 0
    assert shop.value("bridge_retrain_duration_seconds_count") == 1


def test_candidate_that_was_not_compared_is_refused(shop: Any) -> None:
    serving = shop.put_into_service()
    shop.workplace.plan(result={"metrics": {"ndcg@10": 0.9}, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.gate is not None
    assert run.gate["summary"] == (
        f"ndcg@10: {serving} is in service, but the trainer's result has no serving_metrics to compare with"
    )
    assert shop.plan.registry.current() == serving


@pytest.mark.parametrize("compared", [{}, {"serving_metrics": {"ndcg@10": 3.0}}])
def test_first_version_is_compared_with_nothing(shop: Any, compared: dict[str, Any]) -> None:
    shop.workplace.plan(result={"metrics": {"ndcg@10": 0.9}, "samples": 500, **compared})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert (run.state, run.serving, shop.plan.registry.current()) == ("promoted", "", run.version)
    assert run.gate is not None
    assert run.gate["summary"].startswith("ndcg@10 0.9: no version in service to compare with")


def test_version_that_reaches_nothing_is_nothing_to_compare_with(shop: Any) -> None:
    serving = shop.put_into_service()
    zero = {"ndcg@10": 0.0}
    shop.workplace.plan(result={"metrics": zero, "serving_metrics": zero, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert (run.state, shop.plan.registry.current()) == ("refused", serving)


def test_version_that_was_not_published_fails_the_run(shop: Any) -> None:
    shop.workplace.plan(result={"version": "v9_20261121_000000", "metrics": {"ndcg@10": 1.0}, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "promoted")
    assert str(run.error).startswith("als: no version v9_20261121_000000 in")


@pytest.mark.parametrize("rolled_back", [True, False])
def test_version_that_was_in_service_is_no_candidate(shop: Any, rolled_back: bool) -> None:  # noqa: FBT001
    versions = [shop.put_into_service() for _ in range(2)]
    if rolled_back:
        shop.plan.registry.rollback(reason="it was bad")
    shop.workplace.plan(result={**GOOD_RESULT, "version": versions[1]})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert (run.state, run.gate) == ("refused", None)
    told = "was in service before" if rolled_back else "is in service already"
    assert str(run.error).startswith(f"{versions[1]} {told}: let the trainer publish a version of its own")
    assert shop.plan.registry.current() == versions[0 if rolled_back else 1]
    assert shop.subjects("email")[-1] == f"[WARNING] Candidate refused: als {versions[1]}"


def test_version_of_another_model_is_no_candidate(shop: Any) -> None:
    folder = shop.plan.registry.folder / "v1"
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    Manifest(model="bpr", version="v1", trained_at=now, data_version="test").write(folder)
    shop.workplace.plan(result={**GOOD_RESULT, "version": "v1"})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert (run.state, shop.plan.registry.current()) == ("refused", None)
    assert str(run.error).startswith("v1 is a version of bpr, as its manifest.json says: ")


def test_registry_that_cannot_be_read_for_a_while_costs_no_candidate(shop: Any) -> None:
    worker = shop.worker()
    shop.alarm()
    run = shop.until(worker, "gating")
    in_the_way = shop.plan.registry.folder / "current"
    in_the_way.mkdir()
    assert worker.step() == 1.0
    assert 0 < worker.step() <= 1.0  # woken early
    shop.clock.now += 1
    assert worker.step() == 2.0
    in_the_way.rmdir()
    shop.clock.now += 2
    run = shop.until(worker, "refused", "promoted", "failed")
    assert run.state == "promoted"


def test_registry_that_can_never_be_read_fails_the_run(shop: Any) -> None:
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "gating")
    (shop.plan.registry.folder / "current").mkdir()
    began = shop.clock.now
    while shop.last.state == "gating":
        shop.clock.now += worker.step()
    assert (shop.last.state, "cannot be read" in str(shop.last.error)) == ("failed", True)
    assert patience.LIMIT <= shop.clock.now - began < patience.LIMIT + 40


def asking(shop: Any) -> tuple[Any, Run]:
    """A worker whose model asks for approval within a day, and its run that waits for that."""
    worker = shop.worker(approval=86_400.0)
    shop.alarm()
    return worker, shop.until(worker, "approving", "promoted", "refused", "failed")


def test_approval_is_asked_for_with_a_link(shop: Any) -> None:
    serving = shop.put_into_service()
    worker, run = asking(shop)
    assert (run.state, run.approve_until) == ("approving", shop.clock.now + 86_400)
    assert worker.step() == IDLE
    assert shop.plan.registry.current() == serving
    message = shop.messages("email")[-1]
    assert message.subject == f"[WARNING] Approval needed: als {run.version}"
    (entry,) = message.notification.entries
    assert entry.links == (("Run", f"https://bridge.example/runs/{run.id}"),)
    assert entry.paragraphs[0].endswith(f"Until then {serving} stays in service.")
    assert shop.value("bridge_retrain_duration_seconds_count") == 1
    assert shop.value("bridge_retrain_in_progress") == 0


def test_approved_candidate_is_promoted(shop: Any) -> None:
    worker, run = asking(shop)
    assert approvals.decide(shop.store, run.id, approve=True, by="alice", clock=shop.clock)
    run = shop.until(worker, "promoted", "refused", "failed")
    assert (run.state, run.approved_by) == ("promoted", "alice")
    assert shop.plan.registry.history()[-1].reason.startswith(f"run {run.id}, approved by alice: ndcg@10")
    assert ("Approved by", "alice") in shop.messages("slack")[-1].notification.entries[0].facts
    assert shop.value("bridge_approvals_total", outcome="approved") == 1
    assert shop.value("bridge_retrain_duration_seconds_count") == 1


def test_rejected_candidate_is_not_promoted(shop: Any) -> None:
    worker, run = asking(shop)
    assert approvals.decide(shop.store, run.id, approve=False, by="bob", clock=shop.clock)
    run = shop.until(worker, "promoted", "refused", "failed")
    assert (run.state, run.error) == ("refused", "rejected by bob")
    assert shop.plan.registry.current() is None
    text = shop.messages("slack")[-1].notification.entries[0].paragraphs
    assert text == ("Rejected by bob.", "No version is in service.")
    assert shop.value("bridge_approvals_total", outcome="rejected") == 1


def test_candidate_that_nobody_approved_in_time_is_refused(shop: Any) -> None:
    worker, run = asking(shop)
    shop.clock.now += 86_400
    run = shop.until(worker, "promoted", "refused", "failed")
    assert (run.state, run.error) == ("refused", "nobody approved within 1 d")
    assert shop.value("bridge_approvals_total", outcome="expired") == 1
    assert shop.value("bridge_retrains_total", trigger="alert", status="refused") == 1


def test_clock_that_was_set_back_gives_no_more_time_to_approve(shop: Any) -> None:
    worker, _ = asking(shop)
    shop.clock.now -= 7 * 86_400
    worker.step()
    assert shop.last.approve_until == shop.clock.now + 86_400


def test_approved_candidate_is_refused_when_another_version_came_meanwhile(shop: Any) -> None:
    shop.put_into_service()
    worker, run = asking(shop)
    shop.put_into_service()
    assert approvals.decide(shop.store, run.id, approve=True, by="alice", clock=shop.clock)
    run = shop.until(worker, "promoted", "refused", "failed")
    assert run.state == "refused"
    assert str(run.error).startswith("the version in service changed while the candidate was made")
