"""What the bridge tells of the watch over a promoted version, in the thread of its run."""

from recwatch_bridge.clock import readable
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import Notification, Tone
from recwatch_bridge.retraining.plan import WatchPlan
from recwatch_bridge.retraining.runs import Run


def why(share: float, requests: float | None, plan: WatchPlan) -> str:
    """Say in a sentence what is wrong with the version, for people and the registry's history."""
    return f"{_failed(share, requests)}, more than {_percent(plan.max_errors)}"


def why_it_stays(share: float, requests: float | None, plan: WatchPlan) -> str:
    """Say in a sentence that nothing is wrong with the version."""
    return f"{_failed(share, requests)}, no more than {_percent(plan.max_errors)}"


def _failed(share: float, requests: float | None) -> str:
    counted = "" if requests is None else f" of {requests:.0f} requests"
    return f"{_percent(share)}{counted} failed since the promotion"


def rolling_back(run: Run, reason: str) -> Notification:
    """Say that the version must go; what comes of it is told by the rollback's own messages."""
    return _notice("critical", f"Rolling back: {run.model} {run.version}", run, f"{reason}.")


def passed(run: Run, seen: str) -> Notification:
    """Say that the version held what it must."""
    return _notice("info", f"Watch passed: {run.model} {run.version}", run, f"{seen}.", _stays(run))


def superseded(run: Run, in_service: str | None) -> Notification:
    """Say that the watch ended early, because the version is not in service any more."""
    text = f"{in_service or 'No version'} is in service now: nothing more is to be seen of {run.version}."
    return _notice("info", f"Watch ended: {run.model} {run.version}", run, text)


def too_few(run: Run, requests: float | None, plan: WatchPlan) -> Notification:
    """Say that the watch ended without an answer, because next to nobody asked the service."""
    found = "The query gave no number" if requests is None else f"{requests:.0f} requests came"
    needed = "" if requests is None else f", and min_requests is {plan.min_requests}"
    text = f"{found}{needed}: too little to judge by."
    return _notice("info", f"Watch without an answer: {run.model} {run.version}", run, text, _stays(run))


def unknown(run: Run, error: str) -> Notification:
    """Say that the watch could not look."""
    text = f"Nobody can tell how it does in service: {error}."
    return _notice("warning", f"Watch without an answer: {run.model} {run.version}", run, text, _stays(run))


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _stays(run: Run) -> str:
    return f"{run.version} stays in service."


def _notice(tone: Tone, headline: str, run: Run, *texts: str) -> Notification:
    facts = [("Run", run.id)]
    if run.finished is not None:
        facts.append(("Promoted", readable(run.finished)))
    return notice(tone, headline, texts, facts)
