"""bridge.yml as strict models; docs/bridge-reference.md describes every key.

`bridge` is the whole file; `sinks`, `models`, `launchers` and `watching` are its parts; `values` are
what they are made of.
"""

from recwatch_bridge.config.bridge import BridgeConfig, Token, split_listen
from recwatch_bridge.config.launchers import (
    AirflowLauncher,
    Celery,
    Command,
    GithubLauncher,
    Launcher,
    PlainHttp,
)
from recwatch_bridge.config.models import Approval, GateRule, Model, Watch
from recwatch_bridge.config.sinks import Email, Retry, Sinks, Slack
from recwatch_bridge.config.watching import Report, Watchdog, WeeklyLook

__all__ = [
    "AirflowLauncher",
    "Approval",
    "BridgeConfig",
    "Celery",
    "Command",
    "Email",
    "GateRule",
    "GithubLauncher",
    "Launcher",
    "Model",
    "PlainHttp",
    "Report",
    "Retry",
    "Sinks",
    "Slack",
    "Token",
    "Watch",
    "Watchdog",
    "WeeklyLook",
    "split_listen",
]
