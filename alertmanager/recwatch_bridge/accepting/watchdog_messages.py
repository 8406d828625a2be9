"""What the bridge says of Alertmanager's Watchdog by itself: that it stays away, and that it is back."""

from recwatch_bridge.clock import lasting, readable
from recwatch_bridge.messages.notification import Entry, Notification

RUNBOOK = "https://github.com/recwatch/recwatch/blob/main/docs/runbooks/Watchdog.md"


def silent(heard: float | None, timeout: float) -> Notification:
    """Say that the Watchdog stays away.

    Args:
        heard: when it was last heard, in seconds since the epoch; None for never.
        timeout: seconds without it that are too long.
    """
    headline = "WatchdogSilent: no alert may arrive"
    return Notification(
        subject=f"[CRITICAL] {headline}",
        tone="critical",
        entries=(
            Entry(
                title="WatchdogSilent (critical, firing)",
                paragraphs=(
                    f"Alertmanager's Watchdog, which always fires, has not arrived for {lasting(timeout)}.",
                    "Until it is heard again, no alert may arrive: silence does not mean that all is well.",
                    "Look whether Prometheus and Alertmanager run and can reach each other and the bridge.",
                ),
                facts=(("Last heard", "never" if heard is None else readable(heard)),),
                links=(("Runbook", RUNBOOK),),
            ),
        ),
    )


def heard_again(since: float, now: float) -> Notification:
    """Say that the Watchdog is heard again.

    Args:
        since: when its silence was told, in seconds since the epoch.
        now: seconds since the epoch.
    """
    return Notification(
        subject="[RESOLVED] WatchdogSilent: alerts arrive again",
        tone="resolved",
        entries=(
            Entry(
                title="WatchdogSilent (critical, resolved)",
                paragraphs=("Alertmanager's Watchdog is heard again.",),
                facts=(("Told at", readable(since)), ("Until", readable(now))),
                links=(("Runbook", RUNBOOK),),
            ),
        ),
    )
