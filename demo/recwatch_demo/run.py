"""The demo itself: start the stack with short durations, replay real history, watch the loop close."""

import math
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests

from recwatch_demo.apis import Apis
from recwatch_demo.picture import draw
from recwatch_demo.replaying import replay_position, replaying
from recwatch_demo.show import Screen
from recwatch_demo.steps import MODEL, Loop
from recwatch_demo.timeline import Timeline
from recwatch_local.errors import StackError
from recwatch_local.layout import SLACK_URL_FILE, Layout
from recwatch_local.lock import only_one
from recwatch_local.paths import ROOT, RUN_FOLDER, TOOLS_FOLDER
from recwatch_local.ports import Ports, require_free
from recwatch_local.signals import terminate_like_interrupt
from recwatch_local.stack import Stack, running
from recwatch_local.supervisor import end_leftovers
from recwatch_local.tools import ensure_tools
from recwatch_local.up import first_models

# By what the durations of each file are divided, so that a day of 2003 may last a second.
FACTORS = {"prometheus": 60.0, "alertmanager": 60.0, "drift": 1200.0, "bridge": 120.0}
# A day lasts a second here, so the log of interactions must not lag behind by many of them, and what is not
# taken from a list within ten days is not taken.
SERVICE = {
    "RECWATCH_FLUSH_SECONDS": "1",
    "RECWATCH_FEEDBACK_SECONDS": "10",
    "RECWATCH_RERANK_TEST": "on",
}
LIMIT_SECONDS = 180.0
# Watched on for so long, so that the picture shows whether the all clear holds.
AFTER_SECONDS = 30.0
_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Settings:
    """How the demo is run.

    Attributes:
        ports: where the parts listen.
        once: end by itself when every step happened, or when the time is up.
        output: the folder for timeline.json and timeline.png.
        run_folder: the folder for everything else; emptied first.
    """

    ports: Ports
    once: bool = False
    output: Path = ROOT / "demo"
    run_folder: Path = RUN_FOLDER / "demo"


@dataclass
class Watch:
    """One look after another at a running loop, until every step happened or the time is up."""

    stack: Stack
    loop: Loop
    timeline: Timeline
    screen: Screen
    started: datetime
    rounds: set[str] = field(default_factory=set)

    def until_complete(self, limit: float) -> bool:
        """Watch until nothing is missing; False when `limit` seconds were not enough."""
        deadline = time.monotonic() + limit
        while self.timeline.missing and time.monotonic() < deadline:
            self.look()
            time.sleep(_LOOK_EVERY)
        return not self.timeline.missing

    def for_seconds(self, seconds: float) -> None:
        """Watch on, for what happens more than once."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(_LOOK_EVERY)

    def say_how_it_is(self) -> None:
        """Whether the all clear held."""
        try:
            self.screen.say(self.loop.how_it_is())
        except requests.RequestException as error:
            self.screen.say(f"no answer: {error}")

    def look(self) -> None:
        """Ask every part once and show what is new."""
        self.stack.require_running()
        try:
            new = self.timeline.look() + self._further_rounds()
        except requests.RequestException as error:
            # A part that is restarting does not end the demo; one that stays away ends it by the time limit.
            self.screen.say(f"no answer: {error}")
            return
        for entry in new:
            self.screen.show(entry, self.started)
        seen = len(self.timeline.steps) - len(self.timeline.missing)
        self.screen.progress(seen, len(self.timeline.steps), replay_position(self.stack.layout.home))

    def _further_rounds(self) -> list[Any]:
        """Tell of every retraining after the first: its outcome is part of the story."""
        ended = [run for run in self.loop.runs() if run["state"] in {"promoted", "refused", "failed"}]
        new = []
        for run in ended:
            if run["id"] not in self.rounds:
                self.rounds.add(run["id"])
                if len(self.rounds) > 1:
                    reasons = "; ".join(run["reasons"])[:120]
                    text = f"bridge: {MODEL} {run['version'] or ''} {run['state']}: {reasons}"
                    new.append(
                        self.timeline.note(f"round_{len(self.rounds)}", f"Round {len(self.rounds)}", text)
                    )
        return new


def run(settings: Settings, screen: Screen) -> int:
    """Run the demo.

    Returns:
        0 if every step happened, 1 if not.

    Raises:
        StackError: when another demo uses the folder, or a part does not start.
    """
    terminate_like_interrupt()
    tools = ensure_tools(screen.say)
    layout = Layout(home=settings.run_folder / "home", run=settings.run_folder / "run")
    train = partial(first_models, say=screen.say)
    variables = {**os.environ, **SERVICE}
    with only_one(
        settings.run_folder.with_suffix(".pid"), "a demo runs already in this checkout; Ctrl-C stops it"
    ):
        end_leftovers(settings.run_folder)
        require_free(settings.ports)
        empty_run_folder(settings.run_folder)
        layout.run.mkdir(parents=True)
        started = datetime.now(UTC)
        with running(
            layout,
            settings.ports,
            tools,
            first_models=train,
            factors=FACTORS,
            inherited=variables,
            say=screen.say,
        ) as stack:
            loop = Loop(Apis(stack), local_ends(os.environ))
            watch = Watch(stack, loop, Timeline(loop.steps()), screen, started)
            with replaying(stack):
                return _tell(watch, settings, has_pages=not tools.prometheus.is_relative_to(TOOLS_FOLDER))


def _tell(watch: Watch, settings: Settings, *, has_pages: bool) -> int:
    """Watch the loop close, write what happened, and stay unless it is to end by itself."""
    complete = watch.until_complete(LIMIT_SECONDS)
    if complete:
        watch.screen.say(f"the loop is closed; watching on for {AFTER_SECONDS:.0f} s, whether it stays so")
        watch.for_seconds(AFTER_SECONDS)
        watch.say_how_it_is()
    watch.timeline.write(settings.output / "timeline.json")
    draw(watch.loop.apis, watch.timeline, watch.started, settings.output / "timeline.png")
    for step in watch.timeline.missing:
        watch.screen.say(f"did not happen: {step.title} ({step.name})")
    watch.screen.say(
        f"the picture: {settings.output / 'timeline.png'}; what happened: timeline.json beside it"
    )
    if not settings.once:
        _stay(watch, settings, has_pages=has_pages)
    return 0 if complete else 1


def empty_run_folder(folder: Path) -> None:
    """Remove what an earlier demo left.

    Raises:
        StackError: when the folder holds something that is not a demo's.
    """
    if not folder.exists():
        return
    foreign = sorted(item.name for item in folder.iterdir() if item.name not in {"home", "run"})
    if foreign:
        raise StackError(f"{folder} holds {foreign[0]}, which is not a demo's: choose another --run-folder")
    shutil.rmtree(folder)


def local_ends(environment: Mapping[str, str]) -> frozenset[str]:
    """Which of `email` and `slack` end in the local inbox: those for which no real end is configured."""
    variables = {"email": "RECWATCH_SMTP_HOST", "slack": SLACK_URL_FILE}
    return frozenset(kind for kind, variable in variables.items() if variable not in environment)


def _stay(watch: Watch, settings: Settings, *, has_pages: bool) -> None:
    ports = settings.ports
    # Debian's builds of Prometheus and Alertmanager come without their pages.
    alerts, silences = ("/alerts", "") if has_pages else ("/api/v1/alerts", "/api/v2/alerts")
    places = {
        "mail and Slack": ports.url("inbox"),
        "alerts": ports.url("prometheus") + alerts,
        "Alertmanager": ports.url("alertmanager") + silences,
        "drift": f"{ports.url('exporter')}/metrics",
        "the bridge": f"{ports.url('bridge')}  (log in with {watch.stack.layout.secrets}/bridge_admin_token)",
        "the picture": settings.output / "timeline.png",
        "logs": watch.stack.layout.logs,
    }
    watch.screen.say("Everything stays up until Ctrl-C. Where to look:")
    for name, place in places.items():
        watch.screen.say(f"  {name:<15} {place}")
    watch.for_seconds(math.inf)
