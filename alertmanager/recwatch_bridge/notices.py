"""What the bridge itself tells: each step of a retraining, to every sink, one thread a run."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from recwatch_bridge import outbox, runs
from recwatch_bridge.clock import readable
from recwatch_bridge.compose import FACT_LENGTH, TEXT_LENGTH
from recwatch_bridge.notification import Entry, Notification, Tone
from recwatch_bridge.runs import Reason, Run
from recwatch_bridge.text import one_line, paragraphs

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


def promoted(run: Run, version: str, previous: str | None, decision: str) -> Notification:
    """Say that a candidate is in service now."""
    text = f"{version} takes the place of {previous}." if previous else f"{version} is the first version."
    return _notice("info", f"Model promoted: {run.model} {version}", run, text, f"Gate: {decision}")


def refused(run: Run, version: str, why: str, serving: str | None) -> Notification:
    """Say that a candidate is not promoted, and that nothing changed."""
    stays = f"{serving} stays in service." if serving else "No version is in service."
    return _notice("warning", f"Candidate refused: {run.model} {version}", run, f"{why}.", stays)


def failed(run: Run, error: str, log: Path) -> Notification:
    """Say that a run failed, and where to look."""
    return _notice("critical", f"Retraining failed: {run.model}", run, error, f"Log: {log}")


def reload_failed(run: Run, error: str) -> Notification:
    """Say that the service does not serve the promoted version yet."""
    text = f"{run.version} is promoted, but the service could not be told to load it: {error}."
    remedy = "It still serves the version before. Restart it, or call its reload address by hand."
    return _notice("critical", f"Service not reloaded: {run.model} {run.version}", run, text, remedy)


def send(connection: Connection, run: Run, notice: Notification, sinks: Sequence[str], now: float) -> None:
    """Put a notice into the outbox of every sink; the later ones of a run answer its first one."""
    first = dict(run.first_notice)
    for sink in sinks:
        uid = outbox.enqueue(
            connection,
            notice,
            sink=sink,
            kind="run",
            about=[f"run:{run.id}"],
            now=now,
            reply_to=run.first_notice.get(sink),
        )
        first.setdefault(sink, uid)
    if not run.first_notice:
        current = runs.get(connection, run.id)
        runs.note(connection, current, first_notice=first)


def _notice(tone: Tone, headline: str, run: Run, *texts: str) -> Notification:
    facts = [("Run", run.id), ("Trigger", run.trigger)]
    if run.started is not None:
        facts.append(("Started", readable(run.started)))
    return Notification(
        subject=one_line(f"[{tone.upper()}] {headline}", 200),
        tone=tone,
        entries=(
            Entry(
                title=one_line(headline, 150),
                paragraphs=tuple(paragraphs(text, TEXT_LENGTH) for text in texts if text),
                facts=tuple((name, one_line(value, FACT_LENGTH)) for name, value in facts),
            ),
        ),
    )
