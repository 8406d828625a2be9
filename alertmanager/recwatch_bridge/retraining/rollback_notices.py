"""What the bridge tells of rollbacks and of promotions by hand, to every sink, one thread each."""

from recwatch_bridge.clock import readable
from recwatch_bridge.messages.notice import notice
from recwatch_bridge.messages.notification import Notification, Tone
from recwatch_bridge.retraining.rollbacks import Rollback


def done(rollback: Rollback, version: str, previous: str | None) -> Notification:
    """Say that another version is in service now."""
    place = f"{version} takes the place of {previous}." if previous else f"{version} is the first version."
    if rollback.is_promotion:
        return _notice("info", f"Model promoted by hand: {rollback.model} {version}", rollback, place)
    return _notice("warning", f"Model rolled back: {rollback.model} {version}", rollback, place)


def declined(rollback: Rollback, why: str, serving: str | None, tone: Tone) -> Notification:
    """Say that nothing was done, and why."""
    stays = f"{serving} stays in service." if serving else "No version is in service."
    what = "Promotion declined" if rollback.is_promotion else "Rollback declined"
    return _notice(tone, f"{what}: {_about(rollback)}", rollback, f"{why}.", stays)


def given_up(rollback: Rollback, why: str) -> Notification:
    """Say that nobody is there to do it."""
    what = "Promotion declined" if rollback.is_promotion else "Rollback declined"
    headline = f"{what}: {_about(rollback)}"
    return _notice("warning", headline, rollback, f"{why}.", "Whatever is in service stays.")


def failed(rollback: Rollback, error: str) -> Notification:
    """Say that the registry refused it."""
    what = "Promotion failed" if rollback.is_promotion else "Rollback failed"
    stays = "The version in service stays. See `recwatch models list` and `recwatch models history`."
    return _notice("critical", f"{what}: {_about(rollback)}", rollback, error, stays)


def reload_failed(rollback: Rollback, error: str) -> Notification:
    """Say that the service does not serve the version yet."""
    text = (
        f"{rollback.target} is the version in service, but the service could not be told to load it: {error}."
    )
    remedy = "It still serves the version before. Restart it, or call its reload address by hand."
    headline = f"Service not reloaded: {rollback.model} {rollback.target}"
    return _notice("critical", headline, rollback, text, remedy)


def _about(rollback: Rollback) -> str:
    return f"{rollback.model} {rollback.target}" if rollback.is_promotion else rollback.model


def _notice(tone: Tone, headline: str, rollback: Rollback, *texts: str) -> Notification:
    facts = [
        ("Reason", rollback.reason),
        ("Trigger", rollback.trigger),
        ("Asked for", readable(rollback.created)),
        ("Promotion" if rollback.is_promotion else "Rollback", rollback.id),
    ]
    return notice(tone, headline, texts, facts)
