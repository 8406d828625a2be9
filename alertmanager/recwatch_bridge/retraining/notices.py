"""What the bridge itself tells: each step of a retraining, to every sink, one thread a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recwatch_bridge.clock import readable
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import Notification, Tone
from recwatch_bridge.retraining.runs import Reason, Run

_SHOWN_REASONS = 10


def started(run: Run, reasons: Sequence[Reason]) -> Notification:
    """Say that a run began, and why."""
    texts = [f"- {reason.text}" for reason in reasons if not reason.withdrawn]
    more = [f"- and {len(texts) - _SHOWN_REASONS} more"] if len(texts) > _SHOWN_REASONS else []
    return _notice(
        "info",
        f"Retraining started: {run.model}",
        run,
        "\n".join(["Reasons:", *texts[:_SHOWN_REASONS], *more]),
    )


def promoted(
    run: Run, version: str, previous: str | None, decision: str, in_service: str | None
) -> Notification:
    """Say that a candidate is in service now, or was before somebody changed that."""
    text = f"{version} takes the place of {previous}." if previous else f"{version} is the first version."
    if in_service != version:
        text += f" Meanwhile somebody has put {in_service or 'no version'} into service, which stays."
    return _notice("info", f"Model promoted: {run.model} {version}", run, text, f"Gate: {decision}")


def refused(run: Run, version: str, why: str, serving: str | None) -> Notification:
    """Say that a candidate is not promoted, and that nothing changed."""
    stays = f"{serving} stays in service." if serving else "No version is in service."
    return _notice("warning", f"Candidate refused: {run.model} {version}", run, f"{why}.", stays)


def approval_asked(run: Run, version: str, serving: str | None, decision: str, until: float) -> Notification:
    """Say that a candidate passed the gate and waits for a person's yes or no."""
    stays = f"{serving} stays in service" if serving else "no version is in service"
    text = (
        f"{version} passed the gate. Approve or reject it on the bridge's page until {readable(until)}; "
        f"without an answer it is refused. Until then {stays}."
    )
    return _notice("warning", f"Approval needed: {run.model} {version}", run, text, f"Gate: {decision}")


def failed(run: Run, error: str, log: Path) -> Notification:
    """Say that a run failed, and where to look."""
    where = str(log) if run.log_url is None else f"{run.log_url} and {log}"
    return _notice("critical", f"Retraining failed: {run.model}", run, error, f"Log: {where}")


def given_up(run: Run, why: str) -> Notification:
    """Say that a run ends because nobody is there to go on with it."""
    left = {
        "pending": "No trainer was started.",
        "running": "Its trainer, if it is at work, was left alone: stop it by hand.",
    }
    stays = left.get(run.state, f"{run.version} was not promoted.")
    return _notice("warning", f"Retraining given up: {run.model}", run, f"{why}.", stays)


def withdrawn(run: Run, why: str) -> Notification:
    """Say that a run which waited will not begin, because a person does not want it."""
    text = f"{why[:1].upper()}{why[1:]}."
    return _notice("info", f"Retraining cancelled: {run.model}", run, text, "No trainer was started.")


def reload_failed(run: Run, error: str, *, watched: bool = False) -> Notification:
    """Say that the service does not serve the promoted version yet."""
    text = f"{run.version} is promoted, but the service could not be told to load it: {error}."
    remedy = "It still serves the version before. Restart it, or call its reload address by hand."
    if watched:
        remedy += " The watch over the version does not begin: nobody looks how it does in service."
    return _notice("critical", f"Service not reloaded: {run.model} {run.version}", run, text, remedy)


def linked(told: Notification, name: str, url: str) -> Notification:
    """Add a link, to the run's page for one."""
    entries = tuple(replace(entry, links=(*entry.links, (name, url))) for entry in told.entries)
    return replace(told, entries=entries)


def _notice(tone: Tone, headline: str, run: Run, *texts: str) -> Notification:
    facts = [("Run", run.id), ("Trigger", run.trigger)]
    if run.started is not None:
        facts.append(("Started", readable(run.started)))
    if run.approved_by is not None:
        facts.append(("Approved by", run.approved_by))
    return notice(tone, headline, texts, facts)
